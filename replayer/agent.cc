#include "replayer/agent.h"

#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "format/base/error.h"
#include "replayer/divergence.h"
#include "replayer/replayer.h"
#include "replayer/special/special.h"
#include "tracee/agent_area.h"
#include "tracee/filter.h"
#include "tracee/remote_batch.h"
#include "tracee/stopped.h"

namespace rec::replay_agent {
namespace {

agent::Slot* slot_of(const ReplayTask& task) {
  return task.slot != 0 ? task.space->agent->slot_at(task.slot) : nullptr;
}

std::shared_ptr<AgentMemory> inject(Replayer& replayer, const ReplayTask& task) {
  const std::uint64_t at = replayer.arena().take(AgentMemory::file_size);
  auto memory = std::make_shared<AgentMemory>(agent::Mode::replay, replayer.arena().fd(), at);
  RemoteBatch batch;
  constexpr std::uint64_t flags = MAP_SHARED | MAP_FIXED_NOREPLACE;
  batch.add(SYS_mmap, {agent::code_address, AgentMemory::code_size, PROT_READ | PROT_EXEC, flags,
                       Arena::tracee_fd, at + AgentMemory::code_offset});
  batch.add(SYS_mmap, {agent::shared_address, agent::shared_size, PROT_READ | PROT_WRITE, flags,
                       Arena::tracee_fd, at + AgentMemory::shared_offset});
  replayer.must_make("mmap of the agent", task, batch);
  return memory;
}

constexpr std::uint64_t remade_bytes = sizeof(agent::PieceHeader) + sizeof(agent::RemadeCall);

std::uint64_t ring_bytes(const Event& event) {
  std::uint64_t size = sizeof(agent::Record);
  for (const Data& data : event.data) size += sizeof(agent::PieceHeader) + agent::round_up(data.bytes.size());
  return size;
}

// Field by field: a structure that is made of small stores and then copied with large loads costs some 10 ns,
// as the loads have to wait for the stores to leave the processor's buffer.
template <class T>
void store(std::byte* to, const T& value) {
  std::memcpy(to, &value, sizeof value);
}

std::byte* put_piece(std::byte* to, const agent::PieceHeader& header, std::span<const std::byte> bytes) {
  using agent::PieceHeader;
  store(to + offsetof(PieceHeader, address), header.address);
  store(to + offsetof(PieceHeader, full_size), header.full_size);
  store(to + offsetof(PieceHeader, size), header.size);
  store(to + offsetof(PieceHeader, role), header.role);
  store(to + offsetof(PieceHeader, argument), header.argument);
  store(to + offsetof(PieceHeader, unused), header.unused);
  std::memcpy(to + sizeof header, bytes.data(), bytes.size());
  return to + sizeof header + agent::round_up(bytes.size());
}

void put(std::byte* to, const Event& event, const std::optional<agent::RemadeCall>& remade,
         std::uint64_t size) {
  using agent::Record;
  const bool is_call = event.kind == EventKind::call;
  const syscalls::Syscall* entry = is_call ? syscalls::find(event.nr) : nullptr;
  const auto result = is_call ? event.result : static_cast<std::int64_t>(event.args[3] << 32 | event.args[0]);
  store(to + offsetof(Record, size), static_cast<std::uint32_t>(size));
  store(to + offsetof(Record, nr), is_call ? static_cast<std::uint16_t>(event.nr) : agent::counter_read);
  store(to + offsetof(Record, pieces), static_cast<std::uint8_t>(event.data.size() + (remade ? 1 : 0)));
  store(to + offsetof(Record, arguments), entry != nullptr ? entry->arg_count : std::uint8_t{0});
  store(to + offsetof(Record, enter), event.number.value());
  store(to + offsetof(Record, leave), std::uint64_t{0});
  store(to + offsetof(Record, result), result);
  store(to + offsetof(Record, args), event.args);
  to += sizeof(Record);
  if (remade) {
    to = put_piece(to, {.size = sizeof *remade, .role = agent::PieceRole::call},
                   std::as_bytes(std::span(&*remade, 1)));
  }
  for (const Data& data : event.data) {
    to = put_piece(to,
                   {.address = data.address.address(),
                    .full_size = data.full_size,
                    .size = static_cast<std::uint32_t>(data.bytes.size()),
                    .role = static_cast<agent::PieceRole>(data.role),
                    .argument = data.argument},
                   data.bytes);
  }
}

// The call that the agent should have answered, from the ring.
Event event_in_ring(const ReplayTask& task, agent::Slot& slot) {
  std::uint64_t at = slot.read & (agent::ring_size - 1);
  if (at > agent::ring_size - sizeof(agent::Record)) at = 0;  // what the program may have written there
  agent::Record record;
  std::memcpy(&record, task.space->agent->ring(slot) + at, sizeof record);
  Event event{.number = EventNumber(record.enter), .tid = task.tid, .nr = record.nr, .result = record.result};
  std::copy(std::begin(record.args), std::end(record.args), event.args.begin());
  if (record.nr == agent::counter_read) {
    event.kind = EventKind::trap;
    event.nr = static_cast<std::int32_t>(TrapKind::rdtsc);
  }
  return event;
}

[[noreturn]] void diverge_in_agent(ReplayTask& task, agent::Slot& slot) {
  const Event event = event_in_ring(task, slot);
  if (slot.trap == agent::Trap::other_input) {
    diverge(event, task, fmt::format("argument {} passes the same bytes", slot.trap_argument + 1),
            "it passes others");
  }
  if (slot.trap == agent::Trap::other_result) {
    diverge(event, task, "making the call again ends as it did", "it ended otherwise");
  }
  if (slot.trap == agent::Trap::not_a_call)
    diverge(event, task, "this call", "it reads the time-stamp counter");
  task.registers.orig_rax = slot.nr;
  task.registers.set_arguments(
      {slot.args[0], slot.args[1], slot.args[2], slot.args[3], slot.args[4], slot.args[5]});
  task.registers.rip = slot.return_address;
  task.position = ReplayTask::Position::at_entry;
  diverge(event, task, "this call with these arguments", describe_position(task));
}

}  // namespace

void adopt(ReplayTask& child, const Registers& registers) {
  child.slot = 0;
  if (!child.space->agent || child.space->agent->slot_at(registers.gs_base) == nullptr) return;
  if (registers.gs_base == agent::slots_address) return;  // shared by those who have none of their own
  child.slot = registers.gs_base;
  child.space->agent->reset_slot(child.slot);
}

void replay_change(Replayer& replayer, ReplayTask& task, const Event& event) {
  if (event.args[2] != 0) task.space->agent = inject(replayer, task);
  if (event.extra != nullptr) special::place_mappings(replayer, task, event.extra->mappings);
  replayer.write_outputs(task, event);
  Registers registers = task.registers;
  if (event.args[0] != 0) {
    registers.gs_base = event.args[0];
    adopt(task, registers);
  }
  if (event.args[1] != 0) registers.rip = event.args[1];
  const ReplayTask::Position position = task.position;
  const bool waits_in_call = task.waits_in_call;
  const std::uint64_t number = task.registers.orig_rax;
  replayer.set_registers(task, registers);
  task.position = position;
  if (position != ReplayTask::Position::at_entry) return;
  // Its tracer has stopped it there.
  task.registers.orig_rax = number;
  task.waits_in_call = waits_in_call;
}

bool queue_call(ReplayTask& task, const Event& event) {
  agent::Slot* slot = slot_of(task);
  if (slot == nullptr) {
    fail("the trace is damaged: event {} was made by an agent that task {} does not have", event.number,
         task.tid);
  }
  const std::uint64_t without = ring_bytes(event);
  const std::uint64_t most = without + remade_bytes;
  // Nothing is left in the ring: from its start there is most room in one piece.
  if (slot->written == slot->read) slot->written = slot->read = 0;
  // The program can write to the slot: nothing in it is taken for granted.
  const std::uint64_t written = slot->written;
  const std::uint64_t used = written - slot->read;
  const std::uint64_t at = written & (agent::ring_size - 1);
  const std::uint64_t rest = agent::ring_size - at;
  const std::uint64_t filler = rest < most ? rest : 0;
  if (used > agent::ring_size || filler + most > agent::ring_size - used) return false;
  std::byte* ring = task.space->agent->ring(*slot);
  if (filler >= sizeof(agent::Record)) {
    agent::Record nothing{};
    nothing.nr = agent::no_call;
    nothing.size = static_cast<std::uint32_t>(filler);
    std::memcpy(ring + at, &nothing, sizeof nothing);
  }
  const auto remade = event.kind == EventKind::call ? special::remade_call(*task.space, event) : std::nullopt;
  const std::uint64_t size = remade ? most : without;
  put(ring + ((written + filler) & (agent::ring_size - 1)), event, remade, size);
  slot->written = written + filler + size;
  return true;
}

bool has_calls(const ReplayTask& task) {
  const agent::Slot* slot = slot_of(task);
  return slot != nullptr && slot->read != slot->written;
}

std::uint64_t ring_end(const ReplayTask& task) {
  const agent::Slot* slot = slot_of(task);
  return slot == nullptr ? 0 : slot->written;
}

std::uint64_t ring_position(const ReplayTask& task) {
  const agent::Slot* slot = slot_of(task);
  return slot == nullptr ? 0 : __atomic_load_n(&slot->read, __ATOMIC_ACQUIRE);
}

void set_end(const ReplayTask& task, bool traced) {
  agent::Slot* slot = slot_of(task);
  if (slot == nullptr) return;
  slot->stop = traced ? 1 : 0;
  slot->leave_trap = traced ? 0 : 1;
}

bool takes_call(const ReplayTask& task) {
  const auto nr = static_cast<std::int64_t>(task.registers.orig_rax);
  const auto may_make = calls_of_agent();
  if (task.registers.rip != agent_area::after_syscall_instruction ||
      std::find(may_make.begin(), may_make.end(), nr) == may_make.end())
    return false;
  // Once more from its instruction; from a second entry stop, which is not one of PTRACE_SYSEMU, it is made.
  Registers registers = task.registers;
  registers.rax = registers.orig_rax;
  registers.orig_rax = ~std::uint64_t{0};
  registers.rip = agent_area::syscall_instruction;
  const Stopped stopped = task.stopped();
  stopped.set_registers(registers);
  do {
    (void)task.stopped().resume(Resume::syscall);
    (void)wait_until_stopped(task.real_tid);
  } while (stopped.syscall_info().op != PTRACE_SYSCALL_INFO_ENTRY);
  return true;
}

bool take_stop(ReplayTask& task, const Event& next) {
  agent::Slot* slot = slot_of(task);
  if (slot == nullptr) return false;
  if (task.registers.rip == agent_symbols().breakpoint) {
    if (slot->trap == agent::Trap::ring_empty) {
      diverge(next, task, "no more calls before this event", "the program makes one more");
    }
    diverge_in_agent(task, *slot);
  }
  if (task.registers.rip != agent_symbols().leave_breakpoint) return false;
  Registers registers = task.registers;
  registers.rip = registers.rcx;
  task.stopped().set_registers(registers);
  task.registers = registers;
  task.position = ReplayTask::Position::user;
  return true;
}

}  // namespace rec::replay_agent

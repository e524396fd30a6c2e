// Tasks that are inside the agent: what rec lets them know there, and how they come out of it.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "format/base/error.h"
#include "recorder/agent.h"
#include "recorder/session.h"
#include "tracee/agent_area.h"

namespace rec {
namespace {

bool is_in_agent(std::uint64_t rip) { return rip >= agent::code_address && rip < agent::code_limit; }

bool is_in_vdso(std::uint64_t rip) { return rip >= agent::vdso_address && rip < agent::vdso_limit; }

bool is_in_trampoline(const Task& task, std::uint64_t rip) {
  const auto& chunks = task.process->agent->chunks;
  return std::any_of(chunks.begin(), chunks.end(), [&](const AgentState::Chunk& chunk) {
    return rip >= chunk.start && rip < chunk.start + chunk.size;
  });
}

}  // namespace

bool Agents::holds(const Task& task, std::uint64_t address) {
  return agent_area::contains(address) || is_in_agent(address) || is_in_vdso(address) ||
         is_in_trampoline(task, address);
}

void Agents::set_wishes(Task& task) const {
  agent::Slot* slot = slot_of(task);
  if (slot == nullptr) return;
  // An empty ring is used from its start, where there is most room in one piece.
  if (slot->phase == agent::Phase::outside && slot->written == slot->read) slot->written = slot->read = 0;
  const Process& process = *task.process;
  agent::Company company = agent::Company::asleep;
  if (!task.domain().waiting.empty() || task.blocks_to_trace > 0) company = agent::Company::waiting;
  if (process.tasks == 1 && process.domain->processes == 1) company = agent::Company::none;
  __atomic_store(&slot->company, &company, __ATOMIC_RELEASE);
  slot->shares_descriptors = process.shares_descriptors ? 1 : 0;
  slot->may_show = session_.may_show(task) ? 1 : 0;
  const bool stop = !task.held.empty() || task.joins_turns || process.stops_at_entry || process.agent->is_off;
  __atomic_store_n(&slot->stop, stop ? 1U : 0U, __ATOMIC_RELEASE);
}

void Agents::ask_to_stop(const Task& task) {
  agent::Slot* slot = slot_of(task);
  if (slot != nullptr) __atomic_store_n(&slot->stop, 1U, __ATOMIC_RELEASE);
}

void Agents::tell_of_waiting(const Task& task) {
  agent::Slot* slot = slot_of(task);
  if (slot == nullptr) return;
  agent::Company company = agent::Company::waiting;  // not const: Clang wants it so
  __atomic_store(&slot->company, &company, __ATOMIC_RELEASE);
}

void Agents::had_to_give_way(Task& task) {
  constexpr std::uint32_t fewest = 8, most = 1024;
  constexpr std::uint32_t many = 16;  // calls for each traced one: it was right to try
  const std::uint32_t calls = calls_made(task) - task.calls_at_trial;
  task.blocks_traced = calls / many >= task.blocks_traced ? fewest : std::min(most, 2 * task.blocks_traced);
  task.blocks_to_trace = task.blocks_traced;
}

agent::Phase Agents::phase_of(const Task& task) {
  const agent::Slot* slot = slot_of(task);
  agent::Phase phase = agent::Phase::outside;
  if (slot != nullptr) __atomic_load(&slot->phase, &phase, __ATOMIC_ACQUIRE);
  return phase;
}

bool Agents::left_vdso(Task& task, std::uint64_t call_from) {
  if (!is_in_vdso(call_from) || phase_of(task) != agent::Phase::before) return false;
  agent::Globals& globals = task.process->agent->memory->globals();
  globals.vdso_clock_gettime = globals.vdso_gettimeofday = globals.vdso_time = 0;
  (void)take_out(task, TakeOut::for_good);
  return true;
}

bool Agents::goes_back_in(Task& task, std::uint64_t call_from) {
  agent::Slot* slot = slot_of(task);
  if (slot == nullptr || std::exchange(slot->wants_room, 0) == 0) return false;
  // (What the program may have written there does not count.)
  if (slot->written != slot->read || !is_in_trampoline(task, call_from)) return false;
  // rcx is what the trampoline handed over, and a `syscall` makes it that, too.
  const Stopped stopped(task.tid);
  Registers registers = stopped.registers();
  registers.rax = std::exchange(registers.orig_rax, ~std::uint64_t{0});  // seccomp(2): the call is skipped
  registers.rip = agent::code_address;
  stopped.set_registers(registers);
  return true;
}

bool Agents::is_in_call(const Task& task) { return phase_of(task) == agent::Phase::calling; }

bool Agents::is_inside(const Task& task) { return phase_of(task) != agent::Phase::outside; }

void Agents::must_not_show(const Task& task) {
  agent::Slot* slot = slot_of(task);
  if (slot != nullptr) __atomic_store_n(&slot->may_show, 0U, __ATOMIC_RELEASE);
}

bool Agents::is_showing(const Task& task) {
  return is_inside(task) && __atomic_load_n(&slot_of(task)->shown, __ATOMIC_ACQUIRE) != 0;
}

std::uint32_t Agents::calls_made(const Task& task) {
  const agent::Slot* slot = slot_of(task);
  return slot == nullptr ? 0 : __atomic_load_n(&slot->calls, __ATOMIC_ACQUIRE);
}

Agents::Found Agents::take_out(Task& task, TakeOut why) {
  agent::Slot* slot = slot_of(task);
  if (slot == nullptr || slot->phase == agent::Phase::outside) return Found::elsewhere;
  const Stopped stopped(task.tid);
  Registers registers = stopped.registers();
  const agent::Symbols& symbols = agent_symbols();
  constexpr std::uint64_t before_call = agent_area::syscall_instruction;
  constexpr std::uint64_t behind_call = agent_area::after_syscall_instruction;
  const bool here = is_in_agent(registers.rip) || is_in_vdso(registers.rip) || registers.rip == before_call ||
                    registers.rip == behind_call;
  ENSURE(here, "task {} left the agent for {:#x} on a way that rec does not know", task.tid, registers.rip);
  const std::byte* ring = task.slot_memory->ring(*slot);
  const std::uint64_t at = slot->written & (agent::ring_size - 1);
  const auto& record = *reinterpret_cast<const agent::Record*>(ring + at);
  const bool is_made = slot->phase == agent::Phase::after;
  const bool may_finish = why == TakeOut::at_end && slot->begun == slot->written;
  if (is_made && !may_finish) return Found::finishing;
  const bool not_called = slot->phase == agent::Phase::before || registers.rip == before_call ||
                          (registers.rip >= symbols.call && registers.rip <= symbols.call_instruction);
  if (not_called && !is_made) {
    registers.rip = symbols.fallback;
    registers.orig_rax = ~std::uint64_t{0};
    stopped.set_registers(registers);
    return Found::left;
  }
  // At the very exit of the call, be it interrupted or done: the program's own place is right behind it.
  const bool at_exit = registers.rip == behind_call && registers.orig_rax != ~std::uint64_t{0};
  if (!at_exit && why != TakeOut::at_end) return Found::finishing;
  // From the call's exit on its result is in rax, until the slot has it.
  if (is_made) registers.rax = static_cast<std::uint64_t>(slot->result);
  if (why == TakeOut::at_end && is_restart_code(registers.result())) return Found::finishing;
  if (why == TakeOut::to_give_way && registers.result() == -EINTR && !stopped.has_pending_signal()) {
    // Nothing but rec's own interruption ended it: the program need not know (signal(7) lists the calls that
    // the kernel does not restart by itself).
    task.began_ns = exact_time_of(*slot, record.enter);
    registers.rip = symbols.fallback;
    registers.orig_rax = ~std::uint64_t{0};
    stopped.set_registers(registers);
    return Found::left;
  }
  registers.rdi = slot->args[0], registers.rsi = slot->args[1], registers.rdx = slot->args[2];
  registers.r10 = slot->args[3], registers.r8 = slot->args[4], registers.r9 = slot->args[5];
  registers.rbx = slot->rbx, registers.rbp = slot->rbp, registers.r12 = slot->r12;
  registers.r13 = slot->r13, registers.r14 = slot->r14, registers.r15 = slot->r15;
  registers.rsp = slot->stack_pointer;
  registers.rip = registers.rcx = slot->return_address;
  registers.eflags = registers.r11 = slot->flags;
  registers.orig_rax = slot->nr;
  stopped.set_registers(registers);
  slot->phase = agent::Phase::outside;
  // What the program passed was written down before the call, which may have changed it.
  std::vector<Data> pieces;
  read_pieces(task.tid, record, ring + agent::ring_size, pieces);
  record_call_left_early(session_, task, registers, echo_flags(record), pieces);
  return Found::at_exit;
}

}  // namespace rec

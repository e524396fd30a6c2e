// System calls: what of the caller's memory belongs to the event, before and after.
#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "format/base/error.h"
#include "recorder/session.h"
#include "recorder/special/special.h"
#include "recorder/tracing.h"
#include "tracee/agent_area.h"
#include "tracee/maps.h"
#include "tracee/page_cache.h"
#include "tracee/remote_call.h"

namespace rec {
namespace {

using syscalls::Replay;

// How far beyond a pointer argument an unknown call is expected to write.
constexpr std::uint64_t snapshot_bytes = 16 * page_size;

void add_inputs(Session& session, Task& task, const Memory& memory) {
  if (session.is_over()) return;
  const RecordOptions& options = session.options();
  PendingCall& pending = task.call;
  const bool echo = (pending.flags & (event_echo_stdout | event_echo_stderr)) != 0;
  for (const syscalls::Extent& extent : pending.plan.extents) {
    if (!extent.input || extent.size == 0) continue;
    std::uint64_t keep = extent.size;
    if (extent.bulk && !echo) keep = std::min(keep, options.snap_bulk);
    if (!extent.bulk) keep = std::min(keep, options.snap_length);
    const Data::Role role = extent.bulk ? Data::Role::bulk : Data::Role::input;
    const auto room = pending.data.add(role, extent.address, extent.argument, keep, extent.size);
    pending.data.shrink_last(memory.read_some(extent.address, room));
  }
}

// An unknown call may write behind any argument that points to writable memory.
void take_snapshots(Task& task) {
  const RemoteMemory memory = task.memory();
  const std::vector<MapsEntry> maps = read_maps(task.tid);
  for (std::uint8_t i = 0; i < task.call.call.args.size(); ++i) {
    const std::uint64_t address = task.call.call.args[i];
    const auto entry = std::find_if(maps.begin(), maps.end(), [&](const MapsEntry& candidate) {
      return candidate.start.address() <= address && address < candidate.end.address();
    });
    if (entry == maps.end() || (entry->protection & PROT_WRITE) == 0) continue;
    std::vector<std::byte> bytes(std::min(snapshot_bytes, entry->end.address() - address));
    bytes.resize(memory.read_some(RemotePtr<>(address), bytes));
    task.call.snapshots.push_back({RemotePtr<>(address), std::move(bytes), i});
  }
}

void add_changes(Task& task) {
  const RemoteMemory memory = task.memory();
  for (const PendingCall::Snapshot& before : task.call.snapshots) {
    std::vector<std::byte> after(before.bytes.size());
    after.resize(memory.read_some(before.address, after));
    // One piece per run of changed bytes; runs closer than 32 bytes are one.
    for (std::size_t i = 0; i < after.size();) {
      if (after[i] == before.bytes[i]) {
        ++i;
        continue;
      }
      std::size_t end = i + 1;
      for (std::size_t j = end; j < after.size() && j < end + 32; ++j) {
        if (after[j] != before.bytes[j]) end = j + 1;
      }
      const auto room = task.call.data.add(Data::Role::output, before.address.plus_bytes(i), before.argument,
                                           end - i, end - i);
      std::memcpy(room.data(), after.data() + i, end - i);
      i = end;
    }
  }
}

void add_outputs(Session& session, Task& task, std::int64_t result) {
  const RecordOptions& options = session.options();
  PendingCall& pending = task.call;
  const RemoteMemory memory = task.memory();
  if (!pending.plan.modelled) {
    add_changes(task);
    return;
  }
  if (pending.redirect) {
    pending.redirect->finish(memory, &pending.plan, pending.restarted, result);
  } else {
    syscalls::settle(pending.plan, pending.restarted, result, memory);
  }
  for (const syscalls::Extent& extent : pending.plan.extents) {
    if (!extent.output || extent.size == 0 || session.is_over()) continue;
    std::uint64_t keep = extent.size;
    if (extent.bulk && options.without_content) keep = std::min(keep, options.snap_bulk);
    const auto room =
        pending.data.add(Data::Role::output, extent.address, extent.argument, keep, extent.size);
    pending.data.shrink_last(memory.read_written(extent.address, room));
  }
}

// With the request, for a call that is many.
std::string call_name(const PendingCall& pending) {
  if (pending.entry == nullptr) return fmt::format("system call {}", pending.call.nr);
  const syscalls::Multiplexer* requests = syscalls::find_multiplexer(pending.call.nr);
  if (requests == nullptr) return std::string(pending.entry->name);
  return fmt::format("{} request {:#x}", pending.entry->name, pending.call.args.at(requests->selector));
}

// The calls of the 32-bit table (int $0x80) and of x32 have numbers and structures of their own: a program
// finds a kernel that was built without them.
bool is_of_other_abi(std::int64_t nr) {
  constexpr std::int64_t x32_bit = 0x40000000;  // asm/unistd.h, __X32_SYSCALL_BIT
  return is_of_32_bit(nr) || (nr >= 0 && (nr & x32_bit) != 0);
}

// Policy of the table: what rec answers in the kernel's place.
void decide_answer(Session& session, Task& task) {
  PendingCall& pending = task.call;
  if (is_of_other_abi(pending.call.nr)) {
    pending.answer = -ENOSYS;
    session.note(
        task, "other ABI",
        fmt::format("task {} makes a 32-bit (int $0x80) or x32 system call: rec records 64-bit calls only "
                    "and answers ENOSYS to the others",
                    task.tid));
  }
  const syscalls::Syscall* entry = pending.entry;
  if (pending.call.nr < 0) {
    // A tracer calls a call off by this number, and chooses the result (ptrace(2), PTRACE_SETREGS).
    pending.answer = Stopped(task.tid).registers().result();
    pending.is_emulated = true;
    pending.blocks = false;
  }
  if (entry == nullptr) return;
  if (pending.policy.replay == Replay::deny) pending.answer = -pending.policy.deny_errno;
  // What the kernel copies from descriptor to descriptor never passes through the program's memory; where
  // replay has to show it, the program is made to read and write it itself (EINVAL is what such calls answer
  // for an unsuitable file).
  if (entry->kernel_copy_out_fd >= 0) {
    const auto fd =
        static_cast<std::int32_t>(pending.call.args.at(static_cast<std::size_t>(entry->kernel_copy_out_fd)));
    if (session.echo().flags_for(*task.process, task.tid, fd) != 0) pending.answer = -EINVAL;
  }
  if (entry->written_fd >= 0) {
    const auto fd =
        static_cast<std::int32_t>(pending.call.args.at(static_cast<std::size_t>(entry->written_fd)));
    pending.flags |= session.echo().flags_for(*task.process, task.tid, fd);
  }
}

void start_pending(Session& session, Task& task, std::int64_t nr, const std::array<std::uint64_t, 6>& args) {
  PendingCall& pending = task.call;
  pending.call = {nr, args};
  pending.entry = syscalls::find(nr);
  pending.enter_ns = session.now_ns();
  pending.flags = 0;
  pending.replaced.reset();
  pending.answer.reset();
  pending.is_emulated = pending.is_set_aside = pending.is_made_again = false;
  pending.extra.reset();
  pending.writes_to.reset();
  pending.clone_flags.reset();
  pending.redirect.reset();
  pending.data.clear();
  pending.snapshots.clear();
  pending.changed_files.clear();
  pending.submitted.clear();
  pending.policy =
      pending.entry != nullptr ? syscalls::policy(*pending.entry, pending.call.args) : syscalls::Policy{};
  pending.blocks = pending.entry == nullptr || pending.policy.blocks;
  pending.was_interrupted = task.interrupting;
}

// A stop cancels an interruption that is on its way, but the kernel goes on to believe that the task has a
// signal (kernel/signal.c, ptrace_stop: TIF_SIGPENDING is set there, never cleared): a call that it does not
// restart by itself (signal(7)) ends at once. The program need not know.
bool ended_for_nothing(const Session& session, const Task& task, const Stopped& stopped,
                       std::int64_t result) {
  const PendingCall& pending = task.call;
  const syscalls::Special special = pending.policy.special;
  const bool is_usual = special == syscalls::Special::none || special == syscalls::Special::io_events;
  const bool suits =
      is_usual && pending.was_interrupted && pending.blocks && !pending.answer && !session.traps_calls();
  return suits && result == -EINTR && task.held.empty() && !stopped.has_pending_signal();
}

// From its instruction, with what the program passed.
void make_again(Session& session, Task& task, Registers registers) {
  const PendingCall& pending = task.call;
  registers.set_arguments(pending.call.args);
  registers.go_before_call(static_cast<std::uint64_t>(pending.call.nr));
  Stopped(task.tid).set_registers(registers);
  session.release_output(task);
  task.began_ns = pending.enter_ns;
  session.go_on(task);
}

// restart_syscall(2) goes on with the call that was interrupted: it writes where that one would have.
bool take_restarted_plan(Task& task) {
  const bool restarts = task.call.policy.special == syscalls::Special::restart_syscall;
  if (!restarts || !task.restart) return false;
  task.call.plan = task.restart->plan;
  task.call.restarted = task.restart->call;
  task.call.redirect = std::move(task.restart->redirect);
  return true;
}

// Whether another task may look at this one's buffers while it is inside a call. (A parent that waits for its
// vfork child does not.)
bool shares_memory(const Task& task) {
  return task.process->tasks > 1 || (task.domain().processes > 1 && !task.process->parent_waits);
}

void redirect_outputs(Task& task) {
  PendingCall& pending = task.call;
  // A futex is its address, and so is an iocb; a call that does not block is over before anyone else runs.
  const bool is_address =
      pending.entry != nullptr && (pending.entry->subsystem == syscalls::Subsystem::futex ||
                                   pending.policy.special == syscalls::Special::io_submit);
  const bool suits = pending.blocks && pending.plan.modelled && !pending.answer && !pending.redirect &&
                     task.scratch && !is_address;
  if (suits && shares_memory(task)) {
    pending.redirect = Redirect::begin(Stopped(task.tid), *task.scratch, pending.plan);
  }
}

// Memory as it was before a call, as far as its inputs show.
class MemoryBefore : public Memory {
 public:
  MemoryBefore(const Memory& now, std::span<const Data> inputs) : now_(now), inputs_(inputs) {}

  [[nodiscard]] std::size_t read_some(RemotePtr<> from, std::span<std::byte> buffer) const override {
    const std::size_t got = now_.read_some(from, buffer);
    for (const Data& input : inputs_) {
      const std::uint64_t start = std::max(from.address(), input.address.address());
      const std::uint64_t end = std::min(from.address() + got, input.address.address() + input.bytes.size());
      if (start >= end) continue;
      std::memcpy(buffer.data() + (start - from.address()),
                  input.bytes.data() + (start - input.address.address()), end - start);
    }
    return got;
  }

 private:
  const Memory& now_;
  std::span<const Data> inputs_;
};

// Where the program's own memory is not: a stray access right behind that shall fault, as it does at replay.
std::uint64_t map_scratch(Process& process, RemoteCalls& calls) {
  constexpr std::uint64_t flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  while (process.scratch_end + Scratch::size <= agent::vdso_address) {
    const std::uint64_t wanted = std::exchange(process.scratch_end, process.scratch_end + Scratch::size);
    // The program, or a process that shares its address space, may have something there.
    const std::int64_t got = calls.call(SYS_mmap, {wanted, Scratch::size, PROT_READ | PROT_WRITE,
                                                   flags | MAP_FIXED_NOREPLACE, ~std::uint64_t{0}, 0});
    if (got == static_cast<std::int64_t>(wanted)) return wanted;
  }
  return calls.must("mmap of scratch memory", SYS_mmap,
                    {0, Scratch::size, PROT_READ | PROT_WRITE, flags, ~std::uint64_t{0}, 0});
}

}  // namespace

void provide_scratch(Task& task) {
  if (task.scratch || !shares_memory(task)) return;
  std::vector<Scratch>& unused = task.process->unused_scratch;
  if (!unused.empty()) {
    task.scratch = unused.back();
    unused.pop_back();
    return;
  }
  const Stopped stopped(task.tid);
  RemoteCalls calls(stopped, agent_area::syscall_instruction);
  const std::uint64_t start = map_scratch(*task.process, calls);
  // A child would have it as memory of its own that its recording knows nothing of.
  calls.must("madvise of scratch memory", SYS_madvise, {start, Scratch::size, MADV_DONTFORK});
  task.scratch = Scratch{start};
}

void begin_call(Session& session, Task& task, std::int64_t nr, const std::array<std::uint64_t, 6>& args) {
  start_pending(session, task, nr, args);
  task.before_call = false;
  task.joins_turns = false;
  PendingCall& pending = task.call;
  decide_answer(session, task);
  const PageCache memory(task.memory());
  if (!take_restarted_plan(task)) {
    pending.plan = syscalls::plan(pending.call, memory);
    pending.restarted = pending.call;
  }
  if (!pending.plan.modelled && !pending.answer) {
    pending.flags |= event_not_modelled;
    take_snapshots(task);
  }
  add_inputs(session, task, memory);
  special::on_entry(session, task);
  if (pending.answer) {
    if (!pending.is_emulated) pending.flags |= event_denied;
    const Stopped stopped(task.tid);
    Registers registers = stopped.registers();
    registers.orig_rax = ~std::uint64_t{0};  // seccomp(2): the call is skipped
    stopped.set_registers(registers);
  }
  redirect_outputs(task);
  make_call(session, task);
}

void make_call(Session& session, Task& task) {
  if (special::waits_for_mappers(session, task)) return;
  const PendingCall& pending = task.call;
  const bool shows_output = (pending.flags & (event_echo_stdout | event_echo_stderr)) != 0;
  if (shows_output && !session.acquire_output(task)) return;
  if (pending.writes_to && !pending.answer) {
    special::make_foreign_write(session, task);
  } else {
    session.resume_call(task);
  }
}

void finish_call(Session& session, Task& task, bool ends_turn) {
  PendingCall& pending = task.call;
  const Stopped stopped(task.tid);
  Registers registers = stopped.registers();
  if (task.setting_up_exec) {
    special::finish_exec(session, task);
    return;
  }
  if (ended_for_nothing(session, task, stopped, registers.result())) {
    make_again(session, task, registers);
    return;
  }
  if (ends_turn) pending.flags |= event_ends_turn;
  // The handler that returns was called from a place that has moved since.
  if (pending.policy.special == syscalls::Special::rt_sigreturn &&
      session.agents().map_pointer(task, registers)) {
    stopped.set_registers(registers);
  }
  special::finish_wait(session, task, &registers);
  if (pending.redirect && pending.policy.special != syscalls::Special::restart_syscall) {
    pending.redirect->restore_arguments(&registers);
    stopped.set_registers(registers);
  }
  if (pending.replaced) {
    auto arguments = registers.arguments();
    arguments.at(*pending.replaced) = pending.call.args.at(*pending.replaced);
    registers.set_arguments(arguments);
    stopped.set_registers(registers);
  }
  if (pending.answer) {
    registers.rax = static_cast<std::uint64_t>(*pending.answer);
    stopped.set_registers(registers);
  }
  const std::int64_t result = registers.result();
  Extra extra = pending.extra.value_or(Extra());
  const bool has_extra =
      special::on_exit(session, task, registers, result, &extra) || pending.extra.has_value();
  add_outputs(session, task, result);
  if (pending.policy.changes_fds) EchoDescriptors::forget(*task.process);
  if (!pending.plan.modelled && !pending.answer && result >= 0) {
    const std::string name = call_name(pending);
    session.note(
        task, "not modelled: " + name,
        fmt::format(
            "{} (first in task {}) is not in rec's tables in this form: its results were found by comparing "
            "memory",
            name, task.tid));
  }
  session.append_call(task, result, has_extra ? &extra : nullptr);
  if (pending.is_made_again) {
    registers.go_before_call(static_cast<std::uint64_t>(pending.call.nr));
    stopped.set_registers(registers);
  }
  session.release_output(task);
  task.restart.reset();
  if (is_restart_code(result)) {
    task.restart = Task::Restart{pending.plan, pending.restarted, std::move(pending.redirect)};
  }
  if (pending.entry != nullptr && pending.entry->subsystem == syscalls::Subsystem::signal) {
    task.signal_mask = stopped.signal_mask();
  }
  session.agents().after_call(task, result, registers);
  session.agents().before_user(task, registers);
  task.left_with = registers;
  // A call of ours in between would make the kernel forget that it has to restart this one.
  if (!is_restart_code(result) && !task.scratch && shares_memory(task)) {
    provide_scratch(task);
    task.left_with = stopped.registers();
  }
  if (stop_after_call(session, task)) return;
  if ((pending.flags & event_ends_turn) != 0) {
    session.preempt(task);
  } else {
    session.resume_user(task);
  }
}

void record_call_left_early(Session& session, Task& task, const Registers& registers, std::uint16_t flags,
                            std::span<const Data> inputs) {
  start_pending(session, task, static_cast<std::int64_t>(registers.orig_rax), registers.arguments());
  PendingCall& pending = task.call;
  pending.flags = flags;
  // The lengths and pointers that it went by may have been written over since.
  const RemoteMemory now = task.memory();
  pending.plan = syscalls::plan(pending.call, MemoryBefore(now, inputs));
  pending.restarted = pending.call;
  for (const Data& input : inputs) {
    const auto room =
        pending.data.add(input.role, input.address, input.argument, input.bytes.size(), input.full_size);
    std::copy(input.bytes.begin(), input.bytes.end(), room.begin());
  }
  add_outputs(session, task, registers.result());
  if (pending.policy.changes_fds) {
    EchoDescriptors::forget(*task.process);
    Agents::forget_descriptors(*task.process);
  }
  Extra extra;
  const bool has_extra = special::describe_early_mapping(session, task, registers.result(), &extra);
  session.append_call(task, registers.result(), has_extra ? &extra : nullptr);
  Agents::apply_effects(task, {.nr = static_cast<std::int32_t>(pending.call.nr),
                               .args = pending.call.args,
                               .result = registers.result(),
                               .data = pending.data.data()});
  task.restart.reset();
  if (is_restart_code(registers.result())) {
    task.restart = Task::Restart{pending.plan, pending.restarted, std::nullopt};
  }
  task.left_with = registers;
}

}  // namespace rec

// Which special call needs what at its entry and exit.
#include <asm/prctl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include "format/base/error.h"
#include "recorder/held_code.h"
#include "recorder/patched_code.h"
#include "recorder/recorder.h"
#include "recorder/special/executable.h"
#include "recorder/special/special.h"
#include "tracee/agent_area.h"
#include "tracee/cpuid_faulting.h"

namespace rec::special {
namespace {

using syscalls::Special;

void record_call_without_return(Session& session, Task& task) {
  task.call.flags |= event_no_result;
  session.append_call(task, 0, nullptr);
}

// What the kernel gets instead; the event keeps what the program passed, and the program its register.
void replace_argument(Task& task, std::size_t index, std::uint64_t value) {
  const Stopped stopped(task.tid);
  Registers registers = stopped.registers();
  auto arguments = registers.arguments();
  arguments.at(index) = value;
  registers.set_arguments(arguments);
  stopped.set_registers(registers);
  task.call.replaced = index;
}

// A call that was made in the agent and that rec interrupted is made again: it shall not block for longer
// than it would have.
void shorten_timeout(const Session& session, Task& task, std::uint64_t began_ns) {
  const PendingCall& pending = task.call;
  if (pending.entry == nullptr || pending.entry->timeout_ms < 0) return;
  const auto index = static_cast<std::size_t>(pending.entry->timeout_ms);
  const auto timeout = static_cast<std::int32_t>(pending.call.args.at(index));
  if (timeout <= 0) return;
  const std::uint64_t passed = (session.now_ns() - began_ns) / 1'000'000;
  const auto most = static_cast<std::uint64_t>(timeout);
  replace_argument(task, index, most - std::min(most, passed));
}

// clone3(2) takes its flags from memory, where they are the first field (linux/sched.h, struct clone_args):
// the program's own are put back before anyone looks.
void hide_untraced(Task& task) {
  const RemotePtr<std::uint64_t> place(task.call.call.args[0]);
  const auto flags = task.memory().read(place);
  if (!flags || (*flags & CLONE_UNTRACED) == 0) return;
  task.memory().write_value(RemotePtr<>(place.address()), *flags & ~std::uint64_t{CLONE_UNTRACED});
  task.call.clone_flags = flags;
}

// The signal mask in the frame that the handler returns through: at the stack pointer is the frame's ucontext
// (arch/x86/kernel/signal_64.c).
void add_restored_mask(Task& task) {
  constexpr std::uint64_t mask_at = 8 + 8 + sizeof(stack_t) + 256;  // after flags, link, stack and registers
  const RemotePtr<> mask(Stopped(task.tid).registers().rsp + mask_at);
  const auto room = task.call.data.add(Data::Role::input, mask, 0, 8, 8);
  task.call.data.shrink_last(task.memory().read_some(mask, room));
}

void remember_action(Task& task) {
  const auto& args = task.call.call.args;
  const auto wanted = task.memory().read(RemotePtr<KernelSigaction>(args[1]));
  if (args[1] != 0 && wanted && args[0] < task.process->actions.size())
    task.process->actions[args[0]] = *wanted;
}

// The gs base is the agent's as long as the program has no use for it.
void on_segment_base(Session& session, Task& task) {
  const auto& args = task.call.call.args;
  if (args[0] == ARCH_SET_GS) session.agents().remove(task);
  if (args[0] == ARCH_GET_GS && task.process->agent->memory && !task.process->agent->is_off) {
    task.memory().write_value(RemotePtr<>(args[1]), std::uint64_t{0});
  }
}

// A program that goes through /proc/self/maps finds rec's pages there; without them it could not be recorded.
bool changes_own_memory(const Task& task) {
  const auto& args = task.call.call.args;
  const Special special = task.call.policy.special;
  const bool fixed = special == Special::mmap && (args[3] & MAP_FIXED) != 0;
  const bool changes = fixed || special == Special::munmap || special == Special::mprotect ||
                       special == Special::mremap || special == Special::madvise;
  if (!changes) return false;
  const std::uint64_t start = args[0];
  const std::uint64_t end = start + page_up(args[1]);
  const auto meets = [&](std::uint64_t from, std::uint64_t size) {
    return start < from + size && from < end;
  };
  const AgentState& agent = *task.process->agent;
  if (meets(agent_area::code, agent_area::code_size) || meets(agent_area::data, agent_area::data_size))
    return true;
  if (meets(agent::scratch_address, task.process->scratch_end - agent::scratch_address)) return true;
  if (agent.vdso != 0 && meets(agent::vdso_address, agent::vdso_limit - agent::vdso_address)) return true;
  return agent.memory && (meets(agent::code_address, agent::code_limit - agent::code_address) ||
                          meets(agent::shared_address, agent::shared_size));
}

bool is_about_aio(Special special) {
  return special == Special::io_setup || special == Special::io_destroy || special == Special::io_submit ||
         special == Special::io_events;
}

void judge_executable(Session& session, Task& task) {
  switch (look_at_executable(task)) {
    case Executable::usual:
      return;
    case Executable::is_32_bit:
      session.note(task, "32-bit program",
                   fmt::format("task {} would execute a 32-bit program: rec records 64-bit programs only and "
                               "answers ENOEXEC; build that program for x86-64 or run it without rec",
                               task.tid));
      task.call.answer = -ENOEXEC;
      return;
    case Executable::loses_privileges:
      session.note(
          task, "setuid program",
          fmt::format("task {} executes a setuid or setgid program: it does not get the privileges of its "
                      "owner here; to record it with them, run rec as root",
                      task.tid));
      return;
  }
}

// What a successful mmap has mapped.
std::optional<SeenFile> mapped_file(const Task& task) {
  const auto& args = task.call.call.args;
  if ((args[3] & MAP_ANONYMOUS) != 0) return std::nullopt;
  return SeenFile::look(fmt::format("/proc/{}/fd/{}", task.tid, static_cast<std::int32_t>(args[4])));
}

// A task has one tracer: for those of the program that is rec, which lets others of the program trace them.
void explain_refused_trace(Session& session, const Task& task, std::int64_t result) {
  const std::uint64_t request = task.call.call.args[0];
  const bool begins = request == PTRACE_TRACEME || request == PTRACE_ATTACH || request == PTRACE_SEIZE;
  if (!begins || result != -EPERM || task.call.is_emulated) return;
  session.note(task, "ptrace",
               fmt::format("task {} cannot trace, or be traced by, a process outside of the recording, or "
                           "from a pid namespace of its own (ptrace: EPERM); else tasks of the recorded "
                           "program can trace each other",
                           task.tid));
}

}  // namespace

void show_clone_flags(const Task& caller, const RemoteMemory& memory) {
  if (caller.call.clone_flags) {
    memory.write_value(RemotePtr<>(caller.call.call.args[0]), *caller.call.clone_flags);
  }
}

bool describe_early_mapping(Session& session, Task& task, std::int64_t result, Extra* extra) {
  const bool is_of_file =
      task.call.policy.special == Special::mmap && (task.call.call.args[3] & MAP_ANONYMOUS) == 0;
  if (!is_of_file || is_error(result)) return false;
  const auto file = mapped_file(task);
  describe_mapping(session, task, result, file ? &*file : nullptr, extra);
  return true;
}

void on_entry(Session& session, Task& task) {
  PendingCall& pending = task.call;
  const Special special = pending.policy.special;
  if (const auto began_ns = std::exchange(task.began_ns, std::nullopt)) {
    shorten_timeout(session, task, *began_ns);
  }
  if (holds_code(task)) {
    replace_argument(task, 2, pending.call.args[2] & ~std::uint64_t{PROT_EXEC});
  }
  if (changes_own_memory(task)) {
    pending.answer = -EINVAL;
    return;
  }
  if (special == Special::execve || special == Special::execveat) {
    judge_executable(session, task);
  } else if (special == Special::exit || special == Special::exit_group) {
    record_call_without_return(session, task);
  } else if (special == Special::madvise) {
    // When the kernel takes MADV_FREE pages is chance; MADV_DONTNEED does the same at once.
    if (pending.call.args[2] == MADV_FREE) replace_argument(task, 2, MADV_DONTNEED);
  } else if (special == Special::clone) {
    // A task that rec does not trace could not be recorded.
    const std::uint64_t flags = pending.call.args[0];
    if ((flags & CLONE_UNTRACED) != 0) replace_argument(task, 0, flags & ~std::uint64_t{CLONE_UNTRACED});
  } else if (special == Special::clone3) {
    hide_untraced(task);
  } else if (special == Special::prctl && pending.call.args[0] == PR_SET_TSC) {
    pending.answer = 0;  // access to the time stamp counter stays trapped
  } else if (special == Special::arch_prctl && pending.call.args[0] == ARCH_GET_CPUID) {
    pending.answer = 1;  // cpuid works, as far as the program can tell
  } else if (special == Special::arch_prctl && pending.call.args[0] == ARCH_SET_CPUID) {
    // Whether it faults is rec's affair; a program finds it to be one of the processors that cannot switch it
    // off.
    pending.answer = -ENODEV;
  } else if (special == Special::rt_sigreturn) {
    add_restored_mask(task);
  } else if (special == Special::sched_setaffinity) {
    session.give_up_pinning();
  } else if (special == Special::ptrace) {
    answer_ptrace(session, task);
  } else if (special == Special::wait4 || special == Special::waitid) {
    answer_wait(session, task);
  } else if (is_about_aio(special)) {
    if (special == Special::io_submit) plan_submit(session, task);
    if (const auto context = moved_aio_context(task)) replace_argument(task, 0, *context);
  } else {
    plan_foreign_write(session, task);
  }
}

bool on_exit(Session& session, Task& task, const Registers& registers, std::int64_t result, Extra* extra) {
  const Special special = task.call.policy.special;
  show_clone_flags(task, task.memory());
  task.call.clone_flags.reset();
  if (special == Special::ptrace) explain_refused_trace(session, task, result);
  if (special == Special::rt_sigreturn) {
    extra->after = registers;
    extra->xstate = Stopped(task.tid).xstate();
    return true;
  }
  if (is_error(result)) {
    const bool first_exec =
        !task.process->executed && (special == Special::execve || special == Special::execveat);
    if (first_exec && task.process->pid == session.first_pid()) {
      throw ExecFailed("the program could not be executed", static_cast<int>(-result));
    }
    return false;
  }
  record_foreign_write(session, task, result);
  const bool is_held = task.call.replaced == std::size_t{2} && special != Special::madvise;
  update_held_code(task, result, is_held);
  const auto file = special == Special::mmap ? mapped_file(task) : std::nullopt;
  update_code(session, task, result, file ? &*file : nullptr);
  if (special == Special::mmap) {
    describe_mapping(session, task, result, file ? &*file : nullptr, extra);
    return true;
  }
  if (special == Special::shmat) {
    describe_segment(session, task, result, extra);
    return true;
  }
  if (is_about_aio(special)) {
    finish_aio(session, task, result, extra);
    return !extra->mappings.empty();
  }
  if (!task.call.changed_files.empty() && update_mapped_file(session, task, result, extra)) return true;
  if (special == Special::sched_getaffinity && session.pinning(task).is_pinned()) {
    const auto original = std::as_bytes(std::span(&session.pinning(task).original(), 1));
    const auto shown = std::min(original.size(), static_cast<std::size_t>(result));
    task.memory().write(RemotePtr<>(task.call.call.args[2]), original.first(shown));
  }
  if (special == Special::rt_sigaction) remember_action(task);
  if (special == Special::arch_prctl) on_segment_base(session, task);
  // A filter of the program's own: from here on its calls are seen before it can refuse them. A
  // thread-synchronising one holds for the whole process, and to look too early does no harm.
  const bool filters =
      special == Special::seccomp || (special == Special::prctl && task.call.call.args[0] == PR_SET_SECCOMP);
  if (filters) task.process->stops_at_entry = true;
  if (special == Special::set_robust_list) task.robust_list = task.call.call.args[0];
  if (special == Special::set_tid_address) task.clear_tid = task.call.call.args[0];
  return false;
}

}  // namespace rec::special

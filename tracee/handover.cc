#include "tracee/handover.h"

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <fstream>
#include <utility>

#include "format/base/error.h"
#include "tracee/agent_area.h"
#include "tracee/task_state.h"

namespace rec {
namespace {

// /proc/sys/kernel/yama/ptrace_scope (Documentation/admin-guide/LSM/Yama.rst); 0 where Yama is not.
int yama_scope() {
  int scope = 0;
  std::ifstream("/proc/sys/kernel/yama/ptrace_scope") >> scope;
  return scope;
}

bool is_descendant(Tid task) {
  const Pid own(::getpid());
  Pid pid(task.value());
  while (pid.value() > 1 && pid != own) pid = parent_process(Tid(pid.value()));
  return pid == own;
}

// The access that PTRACE_SEIZE needs is asked for here, too (process_vm_readv(2)).
bool may_access(Tid task) {
  std::array<std::byte, 1> byte{};
  const iovec here{byte.data(), byte.size()};
  const iovec there{reinterpret_cast<void*>(agent_area::code), byte.size()};
  return ::process_vm_readv(task.value(), &here, 1, &there, 1, 0) == 1;
}

WaitStatus killed() { return Killed{SIGKILL, false}; }

// Nothing but SIGKILL ends a task that has all signals blocked and runs no code.
std::optional<WaitResult> not_seized(Tid task, int error) {
  const char state = task_state(task);
  const bool has_ended = error == ESRCH || state == 'Z' || state == 'X' || state == 0;
  if (has_ended) return WaitResult{task, killed()};
  ::kill(task.value(), SIGKILL);  // without a tracer its calls would all fail
  fail_with_errno(fmt::format("ptrace(SEIZE) of task {}, which rec has traced before", task), error);
}

}  // namespace

bool may_be_seized(Tid task) {
  const int scope = yama_scope();
  return scope <= 1 && may_access(task) && (scope == 0 || is_descendant(task));
}

LetGo let_go(const Stopped& task) {
  Registers parked = task.registers();
  LetGo let{task.tid(), parked, task.signal_mask()};
  let.registers.go_before_call(parked.orig_rax);
  parked.orig_rax = SYS_pause;
  parked.rip = agent_area::after_syscall_instruction;
  task.set_registers(parked);
  task.set_signal_mask(~std::uint64_t{0});
  // The filters run once more for the changed call (kernel/seccomp.c, __seccomp_filter), and let it pass.
  if (request_ptrace(PTRACE_DETACH, task.tid(), 0, nullptr) == 0) return let;
  if (errno == ESRCH) throw TaskGone{task.tid()};
  fail_with_errno(fmt::format("ptrace(DETACH) of task {}", task.tid()));
}

std::optional<WaitResult> seize_again(const LetGo& task, std::uint64_t ptrace_options) {
  const void* const options = reinterpret_cast<const void*>(ptrace_options);
  if (::ptrace(PTRACE_SEIZE, task.tid.value(), 0, options) != 0) return not_seized(task.tid, errno);
  Running(task.tid).interrupt();
  std::optional<WaitResult> result;
  while (!(result = wait_here(task.tid, WaitMode::block))) {
    if (errno == ECHILD) return WaitResult{task.tid, killed()};
  }
  if (is_dying(result->status)) return result;
  try {
    Stopped stopped(task.tid);
    stopped.set_registers(task.registers);
    stopped.set_signal_mask(task.signal_mask);
    if (!std::holds_alternative<PtraceEvent>(result->status))
      return result;  // SIGSTOP, which no mask holds back, or the stop of its process
    (void)std::move(stopped).resume(Resume::cont);
  } catch (const TaskGone&) {
    // Killed meanwhile: its end is to come.
  }
  return std::nullopt;
}

}  // namespace rec

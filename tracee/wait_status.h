// What waitpid(2) says of a traced task, as a value of one of these types.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "format/base/ids.h"

namespace rec {

struct Exited {
  int code;
};
struct Killed {
  int signal;
  bool core_dumped;
};
// Entry to or exit from a system call (PTRACE_SYSCALL, PTRACE_SYSEMU): the two look alike (ptrace(2),
// "Syscall-stops"); who resumed the task knows which it is.
struct SyscallStop {};
// A signal is about to be delivered; it is not yet: resume() decides.
struct SignalStop {
  int signal;
};
// The whole thread group is stopped by `signal` (job control); PTRACE_SEIZE tells it apart from a
// signal-delivery stop.
struct GroupStop {
  int signal;
};
// PTRACE_EVENT_…, seccomp stops among them. PTRACE_EVENT_STOP with SIGTRAP (a new task's first stop,
// PTRACE_INTERRUPT, the end of a group stop) is one too.
struct PtraceEvent {
  int event;
};

using WaitStatus = std::variant<Exited, Killed, SyscallStop, SignalStop, GroupStop, PtraceEvent>;

[[nodiscard]] WaitStatus decode_wait_status(int status);
[[nodiscard]] std::string describe(const WaitStatus& status);
// Whether it is Exited or Killed: there will be no other.
[[nodiscard]] bool is_end(const WaitStatus& status);
// Whether it is that, or PTRACE_EVENT_EXIT, behind which only that can come.
[[nodiscard]] bool is_dying(const WaitStatus& status);
// The number that wait(2) would have given. Precondition: is_end().
[[nodiscard]] int raw_wait_status(const WaitStatus& status);

struct WaitResult {
  Tid tid;
  WaitStatus status;
};

enum class WaitMode { block, poll };

// Waits for any tracee (threads included) of the calling thread. nullopt: none changed state (poll) or a
// signal handler of rec ran (block).
// `*no_tracees` is set when there is nothing left to wait for.
[[nodiscard]] std::optional<WaitResult> wait_any(WaitMode mode, bool* no_tracees);

// Waits for one task only, whichever thread of a group traces it (tracer.h). nullopt when it is gone
// (ECHILD), or nothing happened (poll) or a handler ran (block).
[[nodiscard]] std::optional<WaitResult> wait_for(Tid tid, WaitMode mode);

// The same of a task that the calling thread traces.
[[nodiscard]] std::optional<WaitResult> wait_here(Tid tid, WaitMode mode);

}  // namespace rec

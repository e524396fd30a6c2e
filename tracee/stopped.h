// Control of a task, with its state as a type: only a Stopped task has registers to read or can be resumed,
// and resuming consumes it. A task that was killed meanwhile answers ESRCH to everything (ptrace(2), "Death
// under ptrace"); that is normal, thrown as TaskGone and caught once, in the session, which then waits for
// its wait status.
#pragma once

#include <sys/ptrace.h>

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "format/base/ids.h"
#include "format/base/remote_ptr.h"
#include "format/registers.h"
#include "tracee/wait_status.h"

namespace rec {

struct TaskGone {
  Tid tid;
  // What waitpid reported when the death was noticed by waiting (an exit event, or the final status): it will
  // not be reported again, so whoever catches this has to go on from it.
  std::optional<WaitStatus> seen = std::nullopt;
};

enum class Resume {
  cont,     // until a signal, event or seccomp stop
  syscall,  // also stop at the entry to or exit from a system call
  sysemu,   // also stop at the entry to a system call, which is then not made
  step,     // one instruction (a whole system call counts as one)
  listen    // after a group stop: stay stopped, but hear of SIGCONT
};

class Running {
 public:
  explicit Running(Tid tid) : tid_(tid) {}
  [[nodiscard]] Tid tid() const { return tid_; }
  // Makes the task stop with PTRACE_EVENT_STOP; any other ptrace stop cancels a pending one.
  void interrupt() const;

 private:
  Tid tid_;
};

class [[nodiscard]] Stopped {
 public:
  // Precondition: waitpid has just reported a stop of `tid`, which is traced by the calling thread, or by
  // another of its group (tracer.h).
  explicit Stopped(Tid tid) : tid_(tid) {}
  Stopped(Stopped&&) noexcept = default;
  Stopped& operator=(Stopped&&) noexcept = default;
  Stopped(const Stopped&) = delete;
  Stopped& operator=(const Stopped&) = delete;
  ~Stopped() = default;

  [[nodiscard]] Tid tid() const { return tid_; }

  [[nodiscard]] Registers registers() const;
  void set_registers(const Registers& registers) const;

  // The FP and SIMD state in XSAVE layout (NT_X86_XSTATE).
  [[nodiscard]] std::vector<std::byte> xstate() const;
  void set_xstate(const std::vector<std::byte>& state) const;

  // Of a signal-delivery stop. Throws TaskGone where the task was killed out of it, to PTRACE_EVENT_EXIT.
  [[nodiscard]] siginfo_t siginfo() const;
  void set_siginfo(const siginfo_t& info) const;
  [[nodiscard]] std::uint64_t signal_mask() const;
  void set_signal_mask(std::uint64_t mask) const;
  // Of the task alone or of its process; not one that the task blocks.
  [[nodiscard]] bool has_pending_signal() const;
  // Whether the SIGTRAP of an instruction of its own (sent by the kernel: si_code > 0) is.
  [[nodiscard]] bool has_pending_trap() const;

  // PTRACE_GETEVENTMSG: the new task's id, the exit status, the former tid, …
  [[nodiscard]] std::uint64_t event_message() const;

  // PTRACE_GET_SYSCALL_INFO (Linux 5.3): entry, exit or seccomp information in one call.
  [[nodiscard]] __ptrace_syscall_info syscall_info() const;
  // The same of a stop for a call, be it its entry, its exit or the filter's. Throws TaskGone where the task
  // was killed out of it, to PTRACE_EVENT_EXIT.
  [[nodiscard]] __ptrace_syscall_info call_info() const;

  // One word, also into memory that the task itself may not write.
  void poke(RemotePtr<> address, std::uint64_t word) const;
  [[nodiscard]] std::uint64_t peek(RemotePtr<> address) const;

  // `signal` is delivered if the stop was a signal-delivery stop, ignored otherwise.
  Running resume(Resume how, int signal = 0) &&;

  void set_options(std::uint64_t ptrace_options) const;

 private:
  Tid tid_;
};

// Waits for the task's next stop, or its end. Throws TaskGone when there is nothing to wait for any more.
[[nodiscard]] WaitStatus wait_until_stopped(Tid tid);

// ptrace(2), made by the thread that traces the task; errno is 0 for success.
[[nodiscard]] long request_ptrace(int number, Tid tid, std::uint64_t address, const void* data);

// PTRACE_SEIZE, by the calling thread.
void seize(Tid tid, std::uint64_t ptrace_options);

}  // namespace rec

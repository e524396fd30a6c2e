// System calls made by a tracee on rec's behalf, unseen by the program: a scope that saves the task's
// registers and signal mask and restores them when it ends. Signals that come meanwhile come after it.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>

#include "tracee/remote_memory.h"
#include "tracee/stopped.h"

namespace rec {

class [[nodiscard]] RemoteCalls {
 public:
  // Precondition: the task is in a ptrace stop that is not a system-call entry of PTRACE_SYSCALL or seccomp
  // (the call would be made on resuming); the entry stop of PTRACE_SYSEMU is fine. `instruction` is the
  // address of a `syscall` instruction.
  RemoteCalls(const Stopped& task, std::uint64_t instruction);
  RemoteCalls(const RemoteCalls&) = delete;
  RemoteCalls& operator=(const RemoteCalls&) = delete;
  ~RemoteCalls();

  // The result as the kernel gives it (negative errno for failure). Throws TaskGone.
  std::int64_t call(std::int64_t nr, std::initializer_list<std::uint64_t> args);

  // As call(), but a failure throws Error naming `what`.
  std::uint64_t must(const char* what, std::int64_t nr, std::initializer_list<std::uint64_t> args);

  // The task that the last call created (fork, clone): traced, in its first stop, which has been waited for.
  [[nodiscard]] std::optional<Tid> created() const { return created_; }

  // The registers that the scope restores; a change here is what the task continues with.
  [[nodiscard]] Registers& saved() { return saved_; }

 private:
  void resume();
  void run_to_syscall_stop();
  void pass_filter();

  const Stopped& task_;
  std::uint64_t instruction_;
  Registers saved_;
  std::uint64_t saved_mask_;
  std::optional<Tid> created_;
  bool was_stopped_ = false;  // by SIGSTOP, which no mask holds back
};

}  // namespace rec

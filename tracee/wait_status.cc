#include "tracee/wait_status.h"

#include <fmt/format.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>

#include "format/base/error.h"
#include "tracee/tracer.h"

namespace rec {

WaitStatus decode_wait_status(int status) {
  if (WIFEXITED(status)) return Exited{WEXITSTATUS(status)};
  if (WIFSIGNALED(status)) return Killed{WTERMSIG(status), WCOREDUMP(status) != 0};
  ENSURE(WIFSTOPPED(status), "wait status {:#x}", status);
  const int signal = WSTOPSIG(status);
  const int event = status >> 16;
  if (event == PTRACE_EVENT_STOP && signal != SIGTRAP) return GroupStop{signal};
  if (event != 0) return PtraceEvent{event};
  if (signal == (SIGTRAP | 0x80)) return SyscallStop{};  // PTRACE_O_TRACESYSGOOD
  return SignalStop{signal};
}

bool is_end(const WaitStatus& status) {
  return std::holds_alternative<Exited>(status) || std::holds_alternative<Killed>(status);
}

bool is_dying(const WaitStatus& status) {
  const auto* event = std::get_if<PtraceEvent>(&status);
  return is_end(status) || (event != nullptr && event->event == PTRACE_EVENT_EXIT);
}

int raw_wait_status(const WaitStatus& status) {
  if (const auto* exited = std::get_if<Exited>(&status)) return exited->code << 8;
  const auto& killed = std::get<Killed>(status);
  return killed.signal | (killed.core_dumped ? 0x80 : 0);
}

std::string describe(const WaitStatus& status) {
  struct Visitor {
    std::string operator()(const Exited& s) const { return fmt::format("exited with {}", s.code); }
    std::string operator()(const Killed& s) const { return fmt::format("killed by signal {}", s.signal); }
    std::string operator()(const SyscallStop&) const { return "system-call stop"; }
    std::string operator()(const SignalStop& s) const { return fmt::format("stop for signal {}", s.signal); }
    std::string operator()(const GroupStop& s) const {
      return fmt::format("group stop by signal {}", s.signal);
    }
    std::string operator()(const PtraceEvent& s) const { return fmt::format("ptrace event {}", s.event); }
  };
  return std::visit(Visitor{}, status);
}

namespace {

std::optional<WaitResult> wait_raw(pid_t which, WaitMode mode, bool* none_left) {
  int status = 0;
  // Without __WNOTHREAD those that other threads trace would be waited for, too (wait(2)).
  const pid_t got = ::waitpid(which, &status, __WALL | __WNOTHREAD | (mode == WaitMode::poll ? WNOHANG : 0));
  if (got > 0) return WaitResult{Tid(got), decode_wait_status(status)};
  if (got < 0 && errno == ECHILD) {
    if (none_left != nullptr) *none_left = true;
  } else if (got < 0 && errno != EINTR) {
    fail_with_errno("waitpid");
  }
  return std::nullopt;
}

}  // namespace

std::optional<WaitResult> wait_any(WaitMode mode, bool* no_tracees) {
  *no_tracees = false;
  return wait_raw(-1, mode, no_tracees);
}

std::optional<WaitResult> wait_here(Tid tid, WaitMode mode) { return wait_raw(tid.value(), mode, nullptr); }

std::optional<WaitResult> wait_for(Tid tid, WaitMode mode) {
  if (Tracers::of_this_thread() == nullptr) return wait_here(tid, mode);
  std::optional<WaitResult> result;
  in_tracer_of(tid, [&] { result = Tracers::here().wait_for(tid, mode); });
  return result;
}

}  // namespace rec

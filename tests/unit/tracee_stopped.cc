#include "tracee/stopped.h"

#include <doctest/doctest.h>
#include <sys/ptrace.h>
#include <unistd.h>

#include <csignal>
#include <utility>

namespace rec {
namespace {

// Until the task is in the stop that a SIGKILL takes it to.
void wait_until_ending(const Stopped& task) {
  constexpr std::uint64_t exit_event = SIGTRAP | PTRACE_EVENT_EXIT << 8;
  for (int looks = 0; looks < 10000; ++looks) {
    siginfo_t info{};
    const long got = request_ptrace(PTRACE_GETSIGINFO, task.tid(), 0, &info);
    if (got == 0 && static_cast<std::uint64_t>(info.si_code) == exit_event) return;
    ::usleep(100);
  }
  FAIL("it does not end");
}

TEST_CASE("a task that was killed out of a call's stop is not asked for the call") {
  const Tid child(::fork());
  if (child.value() == 0) {
    for (;;) ::getppid();
  }
  seize(child, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL);
  Running(child).interrupt();
  (void)wait_until_stopped(child);
  (void)Stopped(child).resume(Resume::syscall);
  REQUIRE(std::holds_alternative<SyscallStop>(wait_until_stopped(child)));
  const Stopped task(child);
  CHECK(task.call_info().op == PTRACE_SYSCALL_INFO_ENTRY);
  ::kill(child.value(), SIGKILL);
  wait_until_ending(task);
  CHECK_THROWS_AS((void)task.call_info(), TaskGone);
  CHECK(is_dying(wait_until_stopped(child)));
  (void)Stopped(child).resume(Resume::cont);
  CHECK(is_end(wait_until_stopped(child)));
}

}  // namespace
}  // namespace rec

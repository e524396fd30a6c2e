#include "tracee/task_state.h"

#include <doctest/doctest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>

namespace rec {
namespace {

TEST_CASE("a task's state and its parent are found behind a name that looks like them") {
  std::array<char, 16> name_before{};
  REQUIRE(::prctl(PR_GET_NAME, name_before.data()) == 0);
  REQUIRE(::prctl(PR_SET_NAME, "a) Z 1 (b\n) X 1") == 0);
  const Tid child(::fork());
  if (child.value() == 0) {
    for (;;) ::pause();
  }
  (void)::prctl(PR_SET_NAME, name_before.data());
  CHECK(parent_process(child) == Pid(::getpid()));
  const char alive = task_state(child);
  const bool is_alive = alive == 'R' || alive == 'S';
  CHECK(is_alive);
  ::kill(child.value(), SIGKILL);
  siginfo_t end{};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(child.value()), &end, WEXITED | WNOWAIT) == 0);
  CHECK(task_state(child) == 'Z');
  REQUIRE(::waitpid(child.value(), nullptr, 0) == child.value());
  CHECK(task_state(child) == 0);
  CHECK(parent_process(child) == Pid(0));
}

}  // namespace
}  // namespace rec

// A child that clone3 makes with CLONE_UNTRACED, and its parent, find their arguments as they were.
#include <linux/sched.h>
#include <signal.h>

#include "target.h"

int main(void) {
  struct clone_args arguments = {.flags = CLONE_UNTRACED, .exit_signal = SIGCHLD};
  long child = MUST(syscall(SYS_clone3, &arguments, sizeof arguments));
  if (child == 0) {
    say("child %d: %llx", getpid(), (unsigned long long)arguments.flags);
    _exit(arguments.flags == CLONE_UNTRACED ? 7 : 1);
  }
  int status = reap((pid_t)child);
  struct clone_args wrong = {.flags = CLONE_UNTRACED | CLONE_SIGHAND};
  say("without memory: %s", outcome(syscall(SYS_clone3, &wrong, sizeof wrong)));
  say("parent: %llx, %llx", (unsigned long long)arguments.flags, (unsigned long long)wrong.flags);
  return arguments.flags == CLONE_UNTRACED && WEXITSTATUS(status) == 7 ? 0 : 1;
}

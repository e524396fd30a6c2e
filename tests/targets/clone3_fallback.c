// clone3 makes a process, or, where it is missing, clone does.
#include <linux/sched.h>
#include <signal.h>

#include "target.h"

int main(void) {
  struct clone_args arguments = {.exit_signal = SIGCHLD};
  long child = syscall(SYS_clone3, &arguments, sizeof arguments);
  if (child == -1) {
    say("clone3: %s", strerror(errno));
    child = MUST(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
  }
  if (child == 0) {
    say("child %ld", syscall(SYS_getpid));
    _exit(6);
  }
  return WEXITSTATUS(reap((pid_t)child));
}

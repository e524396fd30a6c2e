// A forked child and its parent print their ids and exit in order.
#include "target.h"

int main(void) {
  pid_t child = (pid_t)MUST(fork());
  if (child == 0) {
    say("child %d of %d, group %d, session %d", getpid(), getppid(), getpgrp(), getsid(0));
    return 5;
  }
  int status = reap(child);
  say("parent %d of %d saw %#x", getpid(), getppid(), status);
  return WEXITSTATUS(status);
}

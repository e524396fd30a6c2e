// A grandchild outlives its parent, is adopted by the subreaper and reaped by it.
#include <sys/prctl.h>

#include "target.h"

int main(void) {
  MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
  int ends[2];
  MUST(pipe(ends));
  pid_t child = (pid_t)MUST(fork());
  if (child == 0) {
    if (MUST(fork()) == 0) {
      char byte;
      close(ends[1]);
      MUST(read(ends[0], &byte, 1));
      say("orphan %d belongs to %d", getpid(), getppid());
      _exit(12);
    }
    _exit(0);
  }
  reap(child);
  MUST(write(ends[1], "g", 1));
  int status;
  pid_t orphan = (pid_t)MUST(wait(&status));
  say("%d reaped %d: %d", getpid(), orphan, WEXITSTATUS(status));
  return WEXITSTATUS(status);
}

// A vfork child writes into the parent's memory and leaves with _exit.
#include "target.h"

int main(void) {
  volatile int shared = 1;
  pid_t child = vfork();
  if (child == 0) {
    shared = getpid();
    _exit(3);
  }
  MUST(child);
  say("shared is the child's id: %d", shared == child);
  say("%d", shared);
  return WEXITSTATUS(reap(child));
}

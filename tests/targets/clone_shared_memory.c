// clone with CLONE_VM and CLONE_VFORK lets a process with its own id change its parent's memory.
#include <sched.h>
#include <signal.h>

#include "target.h"

static int value;

static int child_main(void* argument) {
  value = getpid() + (int)(intptr_t)argument;
  return 4;
}

int main(void) {
  char* stack = malloc(65536);
  pid_t child = (pid_t)MUST(clone(child_main, stack + 65536, CLONE_VM | CLONE_VFORK | SIGCHLD, (void*)1));
  say("value %d, child %d", value, child);
  int status = reap(child);
  free(stack);
  return value == child + 1 ? WEXITSTATUS(status) : 1;
}

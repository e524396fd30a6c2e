// clone without CLONE_VM makes a process that starts in a function on a given stack.
#include <sched.h>
#include <signal.h>

#include "target.h"

static int value = 1;

static int child_main(void* argument) {
  value += *(int*)argument;
  say("child %d: %d", getpid(), value);
  return value;
}

int main(void) {
  char* stack = malloc(65536);
  int argument = 20;
  pid_t child = (pid_t)MUST(clone(child_main, stack + 65536, SIGCHLD, &argument));
  int status = reap(child);
  say("parent %d: %d", getpid(), value);
  free(stack);
  return WEXITSTATUS(status);
}

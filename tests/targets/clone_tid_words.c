// The kernel writes a thread's id at its start and clears it at its end, and wakes who waits for that.
#include <linux/futex.h>
#include <sched.h>

#include "target.h"

static volatile pid_t parent_word, child_word = -1;

static int thread_main(void* argument) {
  say("thread says %ld of %d", syscall(SYS_gettid) == parent_word ? 1L : 0L, getpid());
  return *(int*)argument;
}

int main(void) {
  char* stack = malloc(65536);
  int argument = 0;
  int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
              CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
  pid_t thread = (pid_t)MUST(
      clone(thread_main, stack + 65536, flags, &argument, &parent_word, NULL, (void*)&child_word));
  say("thread %d, word %d", thread, parent_word);
  while (child_word != 0) syscall(SYS_futex, &child_word, FUTEX_WAIT, -1, NULL, NULL, 0);
  say("cleared: %d", child_word);
  free(stack);
  return 0;
}

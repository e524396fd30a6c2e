// Children with many threads, of which one ends them all while the first is asleep or gone, one child after
// the other.
#include <pthread.h>
#include <sys/mman.h>
#include <time.h>

#include "target.h"

enum { children = 12, threads = 16 };

static int child_number;

static void* sleeps_or_ends(void* number) {
  if ((long)number == threads - 1) syscall(SYS_exit_group, child_number);
  for (;;) nanosleep(&MS(1), NULL);
}

static void run_child(void) {
  for (long i = 0; i < threads; i++) {
    pthread_t id;
    ZERO(pthread_create(&id, NULL, sleeps_or_ends, (void*)i));
  }
  for (;;) {
    if (child_number % 2 != 0) pthread_exit(NULL);
    nanosleep(&MS(1), NULL);
  }
}

int main(void) {
  int* shared = (int*)MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  for (child_number = 0; child_number < children; child_number++) {
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
      __atomic_add_fetch(shared, 1, __ATOMIC_SEQ_CST);
      run_child();
    }
    reap(child);
  }
  say("%d children", *shared);
  return 0;
}

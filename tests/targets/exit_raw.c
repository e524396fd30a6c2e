// The bare exit call ends only the main thread; exit_group by another thread sets the status of the process.
#include <pthread.h>

#include "target.h"

static int ends[2];

static void* last(void* unused) {
  char byte;
  MUST(read(ends[0], &byte, 1));
  say("last thread, byte %d", byte);
  syscall(SYS_exit_group, 23);
  return unused;
}

int main(void) {
  MUST(pipe(ends));
  pthread_t thread;
  ZERO(pthread_create(&thread, NULL, last, NULL));
  MUST(write(ends[1], "\7", 1));
  syscall(SYS_exit, 1);
  return 2;
}

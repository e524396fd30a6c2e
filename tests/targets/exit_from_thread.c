// exit called by a thread ends the whole process although main is blocked in a read.
#include <pthread.h>

#include "target.h"

static void* leave(void* unused) {
  say("thread %ld leaves", syscall(SYS_gettid));
  exit(11);
  return unused;
}

int main(void) {
  int ends[2];
  char byte;
  MUST(pipe(ends));
  pthread_t thread;
  ZERO(pthread_create(&thread, NULL, leave, NULL));
  MUST(read(ends[0], &byte, 1));
  return 1;
}

// A fault in one of four threads kills the whole process.
#include <pthread.h>

#include "target.h"

static pthread_barrier_t ready;

static void* work(void* number) {
  pthread_barrier_wait(&ready);
  if (number == NULL) {
    say("thread %ld faults", syscall(SYS_gettid));
    *(volatile int*)number = 1;
  }
  for (;;) pause();
  return NULL;
}

int main(void) {
  ZERO(pthread_barrier_init(&ready, NULL, 4));
  for (intptr_t i = 0; i < 3; i++) {
    pthread_t thread;
    ZERO(pthread_create(&thread, NULL, work, (void*)i));
  }
  pthread_barrier_wait(&ready);
  for (;;) pause();
}

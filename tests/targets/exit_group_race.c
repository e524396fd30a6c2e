// One of four threads that all call exit_group decides the status.
#include <pthread.h>

#include "target.h"

static pthread_barrier_t together;

static void* leave(void* number) {
  pthread_barrier_wait(&together);
  say("thread %ld goes", (long)(intptr_t)number);
  _exit(70);
}

int main(void) {
  ZERO(pthread_barrier_init(&together, NULL, 4));
  for (intptr_t i = 0; i < 3; i++) {
    pthread_t thread;
    ZERO(pthread_create(&thread, NULL, leave, (void*)i));
  }
  leave((void*)3);
  return 1;
}

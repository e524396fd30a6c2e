// Eight threads meet at a barrier five times; each round names its serial thread.
#include <pthread.h>

#include "target.h"

static pthread_barrier_t barrier;

static void* meet(void* number) {
  for (int round = 0; round < 5; round++) {
    int result = pthread_barrier_wait(&barrier);
    if (result == PTHREAD_BARRIER_SERIAL_THREAD) say("round %d: thread %ld", round, (long)(intptr_t)number);
    pthread_barrier_wait(&barrier);
  }
  return NULL;
}

int main(void) {
  pthread_t threads[8];
  ZERO(pthread_barrier_init(&barrier, NULL, 8));
  for (intptr_t i = 0; i < 8; i++) ZERO(pthread_create(&threads[i], NULL, meet, (void*)i));
  for (int i = 0; i < 8; i++) ZERO(pthread_join(threads[i], NULL));
  ZERO(pthread_barrier_destroy(&barrier));
  return 0;
}

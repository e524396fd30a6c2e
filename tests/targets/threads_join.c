// Threads hand values to who joins them, by return and by pthread_exit, in any order of ending.
#include <pthread.h>
#include <time.h>

#include "target.h"

static void* compute(void* number) {
  long n = (intptr_t)number;
  struct timespec pause = MS((5 - n) * 2);
  nanosleep(&pause, NULL);
  say("thread %ld ends", n);
  if (n % 2) pthread_exit((void*)(n * n));
  return (void*)(n + 100);
}

int main(void) {
  pthread_t threads[5];
  long sum = 0;
  for (intptr_t i = 0; i < 5; i++) ZERO(pthread_create(&threads[i], NULL, compute, (void*)i));
  for (int i = 0; i < 5; i++) {
    void* value;
    ZERO(pthread_join(threads[i], &value));
    sum += (intptr_t)value;
  }
  say("sum %ld, again: %s", sum, strerror(pthread_tryjoin_np(pthread_self(), NULL)));
  return sum == 316 ? 0 : 1;
}

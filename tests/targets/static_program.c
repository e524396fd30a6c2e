// A statically linked program with threads and a clock.
#include <pthread.h>
#include <sys/random.h>
#include <time.h>

#include "target.h"

static void* work(void* number) {
  struct timespec now;
  MUST(clock_gettime(CLOCK_REALTIME, &now));
  say("thread %ld at %ld.%09ld", (long)(intptr_t)number, (long)now.tv_sec, now.tv_nsec);
  return NULL;
}

int main(void) {
  pthread_t threads[3];
  unsigned random;
  for (intptr_t i = 0; i < 3; i++) ZERO(pthread_create(&threads[i], NULL, work, (void*)i));
  for (int i = 0; i < 3; i++) ZERO(pthread_join(threads[i], NULL));
  MUST(getrandom(&random, sizeof random, 0));
  say("random %08x, main at %p, %ld", random, (void*)(intptr_t)main, (long)time(NULL));
  return 0;
}

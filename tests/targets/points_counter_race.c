// Four threads count without a lock: which additions are lost is decided by where they are interrupted.
#include <pthread.h>
#include <stdio.h>

enum { threads = 4, rounds = 250000000 };
static volatile unsigned long counter;

static void* count(void* unused) {
  for (int i = 0; i < rounds; ++i) {
    const unsigned long seen = counter;
    counter = seen + 1;
  }
  return unused;
}

int main(void) {
  pthread_t thread[threads];
  for (int i = 0; i < threads; ++i) pthread_create(&thread[i], NULL, count, NULL);
  for (int i = 0; i < threads; ++i) pthread_join(thread[i], NULL);
  printf("counted to %lu\n", counter);
  return 0;
}

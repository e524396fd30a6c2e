// Four threads allocate and free at the same time, each in an arena of its own.
#include <pthread.h>

#include "target.h"

static pthread_barrier_t together;

static void* allocate(void* number) {
  char* blocks[50];
  unsigned sum = 0;
  pthread_barrier_wait(&together);
  for (int round = 0; round < 4; round++) {
    for (int i = 0; i < 50; i++) memset(blocks[i] = malloc(100 + (size_t)i * 97), i, 100);
    for (int i = 0; i < 50; i++) sum = sum * 31 + (unsigned)(intptr_t)blocks[i], free(blocks[i]);
  }
  say("thread %ld: %08x", (long)(intptr_t)number, sum);
  return NULL;
}

int main(void) {
  pthread_t threads[4];
  ZERO(pthread_barrier_init(&together, NULL, 4));
  for (intptr_t i = 0; i < 4; i++) ZERO(pthread_create(&threads[i], NULL, allocate, (void*)i));
  for (int i = 0; i < 4; i++) ZERO(pthread_join(threads[i], NULL));
  return 0;
}

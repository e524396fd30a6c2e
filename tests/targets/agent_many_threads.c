// 64 threads that make system calls all the time, and add up what they return.
#include <pthread.h>

#include "target.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char order[64 * 4 + 1];
static int used;

static void* work(void* number) {
  for (int round = 0; round < 4; round++) {
    for (int i = 0; i < 50; i++) getppid();
    pthread_mutex_lock(&lock);
    order[used++] = (char)('0' + (intptr_t)number);
    pthread_mutex_unlock(&lock);
  }
  return NULL;
}

int main(void) {
  pthread_t threads[64];
  for (intptr_t i = 0; i < 64; i++) ZERO(pthread_create(&threads[i], NULL, work, (void*)i));
  for (int i = 0; i < 64; i++) ZERO(pthread_join(threads[i], NULL));
  say("%s", order);
  return 0;
}

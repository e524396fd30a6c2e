// Four producers and four consumers share a small queue with two condition variables.
#include <pthread.h>

#include "target.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER, emptied = PTHREAD_COND_INITIALIZER;
static int queue[3], used, sums[4];
static unsigned history;

static void* produce(void* number) {
  for (int i = 1; i <= 25; i++) {
    pthread_mutex_lock(&lock);
    while (used == 3) pthread_cond_wait(&emptied, &lock);
    queue[used++] = (int)(intptr_t)number * 100 + i;
    pthread_cond_signal(&filled);
    pthread_mutex_unlock(&lock);
  }
  return NULL;
}

static void* consume(void* number) {
  for (int i = 1; i <= 25; i++) {
    pthread_mutex_lock(&lock);
    while (used == 0) pthread_cond_wait(&filled, &lock);
    int item = queue[--used];
    sums[(intptr_t)number] += item;
    history = history * 31 + (unsigned)item * 7 + (unsigned)(intptr_t)number;
    pthread_cond_signal(&emptied);
    pthread_mutex_unlock(&lock);
  }
  return NULL;
}

int main(void) {
  pthread_t threads[8];
  for (intptr_t i = 0; i < 8; i++)
    ZERO(pthread_create(&threads[i], NULL, i < 4 ? produce : consume, (void*)(i % 4)));
  for (int i = 0; i < 8; i++) ZERO(pthread_join(threads[i], NULL));
  say("%d %d %d %d, history %08x", sums[0], sums[1], sums[2], sums[3], history);
  return sums[0] + sums[1] + sums[2] + sums[3] == 4 * 325 + 600 * 25 ? 0 : 1;
}

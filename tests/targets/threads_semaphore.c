// Eight threads pass a semaphore with two permits; how many were inside at once is counted.
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "target.h"

static sem_t permits;
static atomic_int inside, most, passes;

static void* pass(void* number) {
  for (int i = 0; i < 10; i++) {
    MUST(sem_wait(&permits));
    int now = atomic_fetch_add(&inside, 1) + 1;
    for (int old = most; old < now && !atomic_compare_exchange_strong(&most, &old, now);) {
    }
    sched_yield();
    if (atomic_fetch_add(&passes, 1) % 16 == 0) say("thread %ld passes", (long)(intptr_t)number);
    atomic_fetch_sub(&inside, 1);
    MUST(sem_post(&permits));
  }
  return NULL;
}

int main(void) {
  pthread_t threads[8];
  MUST(sem_init(&permits, 0, 2));
  for (intptr_t i = 0; i < 8; i++) ZERO(pthread_create(&threads[i], NULL, pass, (void*)i));
  for (int i = 0; i < 8; i++) ZERO(pthread_join(threads[i], NULL));
  say("%d passes, at most %d inside", passes, most);
  return most <= 2 && passes == 80 ? 0 : 1;
}

// Six readers and two writers share a value under a read-write lock; what the readers saw is printed.
#include <pthread.h>
#include <sched.h>

#include "target.h"

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static int value, seen[6];

static void* write_value(void* number) {
  for (int i = 0; i < 10; i++) {
    ZERO(pthread_rwlock_wrlock(&lock));
    value = value * 3 % 1009 + (int)(intptr_t)number;
    ZERO(pthread_rwlock_unlock(&lock));
    sched_yield();
  }
  return NULL;
}

static void* read_value(void* number) {
  for (int i = 0; i < 10; i++) {
    ZERO(pthread_rwlock_rdlock(&lock));
    seen[(intptr_t)number] += value;
    sched_yield();
    ZERO(pthread_rwlock_unlock(&lock));
  }
  return NULL;
}

int main(void) {
  pthread_t threads[8];
  for (intptr_t i = 0; i < 8; i++)
    ZERO(pthread_create(&threads[i], NULL, i < 6 ? read_value : write_value, (void*)i));
  for (int i = 0; i < 8; i++) ZERO(pthread_join(threads[i], NULL));
  for (int i = 0; i < 6; i++) say("reader %d: %d", i, seen[i]);
  say("value %d", value);
  return 0;
}

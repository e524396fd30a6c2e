// Four threads contend for a priority-inheriting mutex, whose owner the kernel keeps in the lock word.
#include <pthread.h>
#include <sched.h>

#include "target.h"

static pthread_mutex_t mutex;
static int counter;

static void* work(void* number) {
  for (int i = 0; i < 10; i++) {
    ZERO(pthread_mutex_lock(&mutex));
    counter = counter * 3 + (int)(intptr_t)number;
    counter %= 10007;
    sched_yield();
    ZERO(pthread_mutex_unlock(&mutex));
  }
  return NULL;
}

int main(void) {
  pthread_mutexattr_t attributes;
  pthread_t threads[4];
  ZERO(pthread_mutexattr_init(&attributes));
  ZERO(pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT));
  ZERO(pthread_mutex_init(&mutex, &attributes));
  for (intptr_t i = 0; i < 4; i++) ZERO(pthread_create(&threads[i], NULL, work, (void*)i));
  for (int i = 0; i < 4; i++) ZERO(pthread_join(threads[i], NULL));
  say("counter %d", counter);
  return 0;
}

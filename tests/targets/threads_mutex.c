// Eight threads add to counters under a mutex; the order in which they got it is printed.
#include <pthread.h>
#include <sched.h>

#include "target.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char order[8 * 20 + 1];
static int taken;

static void* work(void* number) {
  for (int i = 0; i < 20; i++) {
    ZERO(pthread_mutex_lock(&lock));
    order[taken++] = (char)('a' + (intptr_t)number);
    if (i % 3 == 0) sched_yield();
    ZERO(pthread_mutex_unlock(&lock));
    if (i % 4 == 0) sched_yield();
  }
  return NULL;
}

int main(void) {
  pthread_t threads[8];
  for (intptr_t i = 0; i < 8; i++) ZERO(pthread_create(&threads[i], NULL, work, (void*)i));
  for (int i = 0; i < 8; i++) ZERO(pthread_join(threads[i], NULL));
  say("%s", order);
  return taken == 160 ? 0 : 1;
}

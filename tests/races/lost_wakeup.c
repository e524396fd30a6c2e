// The condition is tested outside of the lock: the wake-up may come before the waiting.
#include <errno.h>
#include <time.h>

#include "race.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static volatile int ready;

static void* announce(void* unused) {
  ready = 1;
  pthread_cond_signal(&changed);
  return unused;
}

int main(void) {
  pthread_t other = race_thread(announce, NULL);
  if (!ready) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 300000000;
    if (until.tv_nsec >= 1000000000) ++until.tv_sec, until.tv_nsec -= 1000000000;
    pthread_mutex_lock(&lock);
    race_check(pthread_cond_timedwait(&changed, &lock, &until) != ETIMEDOUT, "the wake-up was lost");
    pthread_mutex_unlock(&lock);
  }
  pthread_join(other, NULL);
  return 0;
}

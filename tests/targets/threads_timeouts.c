// Waits on a semaphore, a condition and a mutex that nobody serves end with ETIMEDOUT.
#include <pthread.h>
#include <semaphore.h>
#include <time.h>

#include "target.h"

static struct timespec soon(void) {
  struct timespec when;
  MUST(clock_gettime(CLOCK_REALTIME, &when));
  when.tv_nsec += 10000000;
  if (when.tv_nsec >= 1000000000) when.tv_nsec -= 1000000000, when.tv_sec++;
  say("until %ld.%09ld", (long)when.tv_sec, when.tv_nsec);
  return when;
}

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

static void* try_lock(void* unused) {
  struct timespec when = soon();
  say("mutex: %s", strerror(pthread_mutex_timedlock(&held, &when)));
  return unused;
}

int main(void) {
  sem_t semaphore;
  MUST(sem_init(&semaphore, 0, 0));
  struct timespec when = soon();
  say("semaphore: %s", outcome(sem_timedwait(&semaphore, &when)));
  pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
  pthread_mutex_lock(&held);
  when = soon();
  int result;
  while ((result = pthread_cond_timedwait(&condition, &held, &when)) == 0) {
  }
  say("condition: %s", strerror(result));
  pthread_t thread;
  ZERO(pthread_create(&thread, NULL, try_lock, NULL));
  ZERO(pthread_join(thread, NULL));
  return result == ETIMEDOUT ? 0 : 1;
}

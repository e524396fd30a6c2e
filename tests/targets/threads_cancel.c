// A thread blocked in read is cancelled, another one between calls; cleanup handlers run.
#include <pthread.h>
#include <semaphore.h>

#include "target.h"

static int ends[2];
static sem_t started;

static void clean(void* name) { say("cleaning %s", (char*)name); }

static void* blocked(void* name) {
  char byte;
  pthread_cleanup_push(clean, name);
  sem_post(&started);
  MUST(read(ends[0], &byte, 1));
  pthread_cleanup_pop(0);
  return NULL;
}

static void* sleeping(void* name) {
  pthread_cleanup_push(clean, name);
  sem_post(&started);
  for (;;) sleep(1000);
  pthread_cleanup_pop(0);
  return NULL;
}

int main(void) {
  MUST(pipe(ends));
  MUST(sem_init(&started, 0, 0));
  pthread_t threads[2];
  ZERO(pthread_create(&threads[0], NULL, blocked, "reader"));
  ZERO(pthread_create(&threads[1], NULL, sleeping, "sleeper"));
  for (int i = 0; i < 2; i++) MUST(sem_wait(&started));
  for (int i = 0; i < 2; i++) {
    void* result;
    ZERO(pthread_cancel(threads[i]));
    ZERO(pthread_join(threads[i], &result));
    say("cancelled: %d", result == PTHREAD_CANCELED);
  }
  return 0;
}

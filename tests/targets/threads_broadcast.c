// A broadcast wakes seven waiting threads, which then line up in some order.
#include <pthread.h>

#include "target.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ready = PTHREAD_COND_INITIALIZER, go = PTHREAD_COND_INITIALIZER;
static int waiting, started, lined_up;

static void* wait_for_go(void* number) {
  pthread_mutex_lock(&lock);
  waiting++;
  pthread_cond_signal(&ready);
  while (!started) pthread_cond_wait(&go, &lock);
  say("place %d: thread %ld", lined_up++, (long)(intptr_t)number);
  pthread_mutex_unlock(&lock);
  return NULL;
}

int main(void) {
  pthread_t threads[7];
  for (intptr_t i = 0; i < 7; i++) ZERO(pthread_create(&threads[i], NULL, wait_for_go, (void*)i));
  pthread_mutex_lock(&lock);
  while (waiting < 7) pthread_cond_wait(&ready, &lock);
  started = 1;
  pthread_cond_broadcast(&go);
  pthread_mutex_unlock(&lock);
  for (int i = 0; i < 7; i++) ZERO(pthread_join(threads[i], NULL));
  return lined_up == 7 ? 0 : 1;
}

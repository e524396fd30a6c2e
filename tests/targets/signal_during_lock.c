// Signals arrive at a thread that waits for a mutex; the wait goes on after each handler.
#include <pthread.h>
#include <signal.h>

#include "target.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static volatile sig_atomic_t handled;

static void handler(int signal) { handled += signal == SIGUSR1; }

static void* wait_for_mutex(void* unused) {
  ZERO(pthread_mutex_lock(&mutex));
  say("thread has the mutex after %d signals", (int)handled);
  ZERO(pthread_mutex_unlock(&mutex));
  return unused;
}

int main(void) {
  signal(SIGUSR1, handler);
  pthread_t thread;
  ZERO(pthread_mutex_lock(&mutex));
  ZERO(pthread_create(&thread, NULL, wait_for_mutex, NULL));
  for (int i = 0; i < 5; i++) {
    usleep(4000);
    ZERO(pthread_kill(thread, SIGUSR1));
  }
  usleep(4000);
  ZERO(pthread_mutex_unlock(&mutex));
  ZERO(pthread_join(thread, NULL));
  return handled > 0 ? 0 : 1;
}

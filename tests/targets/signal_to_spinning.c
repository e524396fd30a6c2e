// Threads spin until a signal's handler tells them to stop, and only they can take the signal.
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#include "target.h"

enum { threads = 12 };

static volatile sig_atomic_t stop;
static volatile unsigned long counters[threads];

static void on_alarm(int signal) {
  (void)signal;
  stop = 1;
}

static void* spin(void* argument) {
  volatile unsigned long* counter = (volatile unsigned long*)argument;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGALRM);
  ZERO(pthread_sigmask(SIG_UNBLOCK, &set, NULL));
  while (!stop) ++*counter;
  return NULL;
}

int main(void) {
  struct sigaction action = {.sa_handler = on_alarm};
  MUST(sigaction(SIGALRM, &action, NULL));
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGALRM);
  ZERO(pthread_sigmask(SIG_BLOCK, &set, NULL));
  pthread_t ids[threads];
  for (int i = 0; i < threads; ++i) ZERO(pthread_create(&ids[i], NULL, spin, (void*)&counters[i]));
  const struct itimerval once = {.it_value = {.tv_usec = 100000}};
  MUST(setitimer(ITIMER_REAL, &once, NULL));
  for (int i = 0; i < threads; ++i) ZERO(pthread_join(ids[i], NULL));
  for (int i = 0; i < threads; ++i) say("thread %d: %lu", i, counters[i]);
  return 0;
}

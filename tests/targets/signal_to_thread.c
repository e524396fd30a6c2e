// pthread_kill reaches the named thread, blocked in read and in a futex.
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>

#include "target.h"

static int ends[2];
static sem_t ready, forever;

static void handler(int signal) { say("signal %d", signal); }

static void* in_read(void* unused) {
  char byte;
  sem_post(&ready);
  ssize_t result = read(ends[0], &byte, 1);
  say("read: %zd %s", result, strerror(result < 0 ? errno : 0));
  return unused;
}

static void* in_semaphore(void* unused) {
  sem_post(&ready);
  int result = sem_wait(&forever);
  say("sem_wait: %d %s", result, strerror(result < 0 ? errno : 0));
  return unused;
}

int main(void) {
  struct sigaction action = {.sa_handler = handler};
  MUST(sigaction(SIGUSR1, &action, NULL));
  MUST(pipe(ends));
  MUST(sem_init(&ready, 0, 0));
  MUST(sem_init(&forever, 0, 0));
  void* (*mains[])(void*) = {in_read, in_semaphore};
  for (int i = 0; i < 2; i++) {
    pthread_t thread;
    ZERO(pthread_create(&thread, NULL, mains[i], NULL));
    MUST(sem_wait(&ready));
    usleep(10000);  // lets it reach its call; if it did not, the pipe and the semaphore end it
    ZERO(pthread_kill(thread, SIGUSR1));
    usleep(10000);
    MUST(write(ends[1], "x", 1));
    if (i == 1) MUST(sem_post(&forever));
    ZERO(pthread_join(thread, NULL));
  }
  return 0;
}

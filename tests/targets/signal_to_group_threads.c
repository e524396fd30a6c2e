// A signal to the process is taken by the one thread that has it unblocked.
#include <pthread.h>
#include <signal.h>

#include "target.h"

static pthread_barrier_t ready;
static volatile sig_atomic_t taker;

static void handler(int signal) {
  taker = (int)syscall(SYS_gettid);
  say("signal %d taken by %d", signal, (int)taker);
}

static void* take(void* unused) {
  sigset_t none;
  sigemptyset(&none);
  pthread_barrier_wait(&ready);
  sigsuspend(&none);
  return unused;
}

static void* wait_blocked(void* unused) {
  pthread_barrier_wait(&ready);
  pthread_barrier_wait(&ready);
  return unused;
}

int main(void) {
  struct sigaction action = {.sa_handler = handler};
  MUST(sigaction(SIGUSR1, &action, NULL));
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  ZERO(pthread_sigmask(SIG_BLOCK, &blocked, NULL));
  pthread_t threads[3];
  ZERO(pthread_barrier_init(&ready, NULL, 4));
  for (int i = 0; i < 3; i++) ZERO(pthread_create(&threads[i], NULL, i == 0 ? take : wait_blocked, NULL));
  pthread_barrier_wait(&ready);
  MUST(kill(getpid(), SIGUSR1));
  ZERO(pthread_join(threads[0], NULL));
  say("not main: %d", taker != getpid());
  _exit(0);
}

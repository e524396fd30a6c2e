// Blocked signals stay pending, twice sent is once delivered, and they arrive when unblocked.
#include <signal.h>

#include "target.h"

static volatile sig_atomic_t counts[65];

static void handler(int signal) { counts[signal]++; }

int main(void) {
  sigset_t wanted, before, pending;
  signal(SIGUSR1, handler);
  signal(SIGUSR2, handler);
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGUSR1);
  sigaddset(&wanted, SIGUSR2);
  MUST(sigprocmask(SIG_BLOCK, &wanted, &before));
  raise(SIGUSR1);
  raise(SIGUSR1);
  kill(getpid(), SIGUSR2);
  MUST(sigpending(&pending));
  say("pending: %d %d, counts %d %d", sigismember(&pending, SIGUSR1), sigismember(&pending, SIGUSR2),
      (int)counts[SIGUSR1], (int)counts[SIGUSR2]);
  signal(SIGUSR2, SIG_IGN);  // discards the pending one
  MUST(sigprocmask(SIG_SETMASK, &before, NULL));
  MUST(sigpending(&pending));
  say("pending: %d %d, counts %d %d", sigismember(&pending, SIGUSR1), sigismember(&pending, SIGUSR2),
      (int)counts[SIGUSR1], (int)counts[SIGUSR2]);
  return counts[SIGUSR1] * 10 + counts[SIGUSR2];
}

// A signal that a process sends itself is handled before kill returns.
#include <signal.h>

#include "target.h"

static volatile sig_atomic_t got;

static void handler(int signal) {
  got = signal;
  say("handler: %d in %d", signal, getpid());
}

int main(void) {
  signal(SIGUSR1, handler);
  signal(SIGUSR2, handler);
  MUST(kill(getpid(), SIGUSR1));
  say("after kill: %d", (int)got);
  MUST(raise(SIGUSR2));
  say("after raise: %d", (int)got);
  MUST(syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1));
  say("after tgkill: %d", (int)got);
  return got;
}

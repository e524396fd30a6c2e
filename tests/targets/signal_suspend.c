// Parent and child take turns with SIGUSR1 and sigsuspend.
#include <signal.h>

#include "target.h"

static volatile sig_atomic_t turns;

static void handler(int signal) { turns += signal == SIGUSR1; }

int main(void) {
  sigset_t blocked, open;
  struct sigaction action = {.sa_handler = handler};
  MUST(sigaction(SIGUSR1, &action, NULL));
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  MUST(sigprocmask(SIG_BLOCK, &blocked, &open));
  pid_t child = (pid_t)MUST(fork()), other = child ? child : getppid();
  for (int i = 1; i <= 5; i++) {
    if (child == 0)
      while (turns < i) sigsuspend(&open);
    say("%s turn %d", child ? "parent" : "child", i);
    MUST(kill(other, SIGUSR1));
    if (child != 0)
      while (turns < i) sigsuspend(&open);
  }
  if (child == 0) return 8;
  return WEXITSTATUS(reap(child));
}

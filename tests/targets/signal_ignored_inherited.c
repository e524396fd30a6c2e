// Ignored signals stay ignored over exec, handled ones go back to the default, the mask is kept.
#include <signal.h>

#include "target.h"

static void handler(int signal) { (void)signal; }

int main(int argc, char** argv) {
  if (argc == 1) {
    sigset_t blocked;
    signal(SIGHUP, SIG_IGN);
    signal(SIGUSR1, handler);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR2);
    MUST(sigprocmask(SIG_BLOCK, &blocked, NULL));
    raise(SIGUSR2);
    MUST(execl("/proc/self/exe", argv[0], "again", (char*)NULL));
  }
  struct sigaction hup, usr;
  sigset_t mask, pending;
  MUST(sigaction(SIGHUP, NULL, &hup));
  MUST(sigaction(SIGUSR1, NULL, &usr));
  MUST(sigprocmask(SIG_BLOCK, NULL, &mask));
  MUST(sigpending(&pending));
  say("ignored %d, default %d, blocked %d, pending %d", hup.sa_handler == SIG_IGN, usr.sa_handler == SIG_DFL,
      sigismember(&mask, SIGUSR2), sigismember(&pending, SIGUSR2));
  sigemptyset(&mask);
  say("now the pending signal kills");
  MUST(sigprocmask(SIG_SETMASK, &mask, NULL));
  return 1;
}

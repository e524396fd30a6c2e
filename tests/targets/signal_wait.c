// sigwaitinfo takes a queued signal, sigtimedwait times out and later takes a child's, sigwait the rest.
#include <signal.h>
#include <time.h>

#include "target.h"

int main(void) {
  sigset_t wanted;
  siginfo_t info = {0};
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGUSR1);
  sigaddset(&wanted, SIGRTMIN);
  sigaddset(&wanted, SIGCHLD);
  MUST(sigprocmask(SIG_BLOCK, &wanted, NULL));
  MUST(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 77}));
  int number = sigwaitinfo(&wanted, &info);
  say("sigwaitinfo: %d value %d pid %d", number - SIGRTMIN, info.si_value.sival_int, info.si_pid);
  struct timespec soon = MS(10), late = MS(5000);
  number = sigtimedwait(&wanted, &info, &soon);
  say("sigtimedwait: %d %s", number, strerror(errno));
  pid_t child = (pid_t)MUST(fork());
  if (child == 0) _exit(kill(getppid(), SIGUSR1));
  for (int i = 0; i < 2; i++) {
    number = sigtimedwait(&wanted, &info, &late);
    say("sigtimedwait: %d from %d status %d", number, info.si_pid, number == SIGCHLD ? info.si_status : -1);
  }
  raise(SIGUSR1);
  ZERO(sigwait(&wanted, &number));
  say("sigwait: %d", number);
  reap(child);
  return 0;
}

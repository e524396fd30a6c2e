// Queued real-time signals arrive in number order, each with its value and sender.
#include <signal.h>

#include "target.h"

static void handler(int signal, siginfo_t* info, void* context) {
  (void)context;
  say("%d: value %d from %d uid %d code %d", signal - SIGRTMIN, info->si_value.sival_int, info->si_pid,
      info->si_uid, info->si_code);
}

int main(void) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  sigset_t all, before;
  sigfillset(&all);
  MUST(sigprocmask(SIG_SETMASK, &all, &before));
  for (int i = 0; i < 9; i++) {
    sigaction(SIGRTMIN + i % 3, &action, NULL);
    union sigval value = {.sival_int = 100 + i};
    MUST(sigqueue(getpid(), SIGRTMIN + (8 - i) % 3, value));
  }
  say("all sent");
  MUST(sigprocmask(SIG_SETMASK, &before, NULL));
  say("all handled");
  return 0;
}

// A SIGCHLD handler reaps the children while the parent sleeps again and again.
#include <signal.h>
#include <time.h>

#include "target.h"

static volatile sig_atomic_t reaped, calls;

static void on_child(int signal) {
  int saved = errno, status;
  calls += signal == SIGCHLD;
  for (pid_t child; (child = waitpid(-1, &status, WNOHANG)) > 0; reaped++)
    say("reaped %d: %d", child, WEXITSTATUS(status));
  errno = saved;
}

int main(void) {
  struct sigaction action = {.sa_handler = on_child, .sa_flags = SA_RESTART};
  MUST(sigaction(SIGCHLD, &action, NULL));
  sigset_t child, before;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  for (int i = 0; i < 5; i++) {
    if (MUST(fork()) == 0) {
      struct timespec pause = MS(i * 3);
      nanosleep(&pause, NULL);
      _exit(30 + i);
    }
  }
  MUST(sigprocmask(SIG_BLOCK, &child, &before));
  while (reaped < 5) sigsuspend(&before);
  say("%d handler calls", (int)calls);
  return reaped;
}

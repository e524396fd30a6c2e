// A child sends its parent SIGUSR1 while the parent waits in pause, read and waitpid.
#include <signal.h>
#include <time.h>

#include "target.h"

static volatile sig_atomic_t got;

static void handler(int signal, siginfo_t* info, void* context) {
  (void)context;
  got++;
  say("signal %d from %d, code %d", signal, info->si_pid, info->si_code);
}

int main(void) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  MUST(sigaction(SIGUSR1, &action, NULL));
  int ends[2];
  MUST(pipe(ends));
  pid_t child = (pid_t)MUST(fork());
  if (child == 0) {
    struct timespec pause = MS(10);
    for (int i = 0; i < 6; i++) {
      nanosleep(&pause, NULL);
      kill(getppid(), SIGUSR1);
    }
    nanosleep(&pause, NULL);
    _exit(2);
  }
  char byte;
  if (got == 0) say("pause: %s", outcome(pause()));
  close(ends[1]);
  ssize_t result = read(ends[0], &byte, 1);
  say("read: %zd", result);
  int status, waited;
  while ((waited = waitpid(child, &status, 0)) == -1) say("waitpid: %s", strerror(errno));
  say("%d signals", (int)got);
  return WEXITSTATUS(status);
}

// Signals are read from a signalfd, with their numbers, senders and values.
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "target.h"

int main(void) {
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGUSR1);
  sigaddset(&wanted, SIGCHLD);
  sigaddset(&wanted, SIGRTMIN);
  MUST(sigprocmask(SIG_BLOCK, &wanted, NULL));
  int fd = (int)MUST(signalfd(-1, &wanted, SFD_CLOEXEC));
  raise(SIGUSR1);
  MUST(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 31}));
  pid_t child = (pid_t)MUST(fork());
  if (child == 0) _exit(3);
  for (int left = 3; left > 0;) {
    struct pollfd wait = {fd, POLLIN, 0};
    MUST(poll(&wait, 1, -1));
    struct signalfd_siginfo infos[4];
    ssize_t size = MUST(read(fd, infos, sizeof infos));
    for (size_t i = 0; i < (size_t)size / sizeof infos[0]; i++, left--)
      say("signal %u from %u, value %d, status %d", infos[i].ssi_signo, infos[i].ssi_pid, infos[i].ssi_int,
          infos[i].ssi_status);
  }
  return WEXITSTATUS(reap(child));
}

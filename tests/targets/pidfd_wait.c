// A pidfd becomes readable when its process ends, carries a signal and can be waited for.
#include <poll.h>
#include <signal.h>

#include "target.h"

int main(void) {
  pid_t child = (pid_t)MUST(fork());
  if (child == 0)
    for (;;) pause();
  int fd = (int)MUST(syscall(SYS_pidfd_open, child, 0));
  struct pollfd wanted = {fd, POLLIN, 0};
  say("before: %ld", MUST(poll(&wanted, 1, 0)));
  MUST(syscall(SYS_pidfd_send_signal, fd, SIGUSR2, NULL, 0));
  long ready = MUST(poll(&wanted, 1, -1));
  say("after: %ld %#x", ready, wanted.revents);
  siginfo_t info = {0};
  MUST(waitid(P_PIDFD, (id_t)fd, &info, WEXITED));
  say("%d code %d status %d", info.si_pid, info.si_code, info.si_status);
  return info.si_status == SIGUSR2 ? 0 : 1;
}

// WNOHANG answers at once, WNOWAIT leaves the child to be waited for again.
#include "target.h"

int main(void) {
  int ends[2];
  char byte;
  MUST(pipe(ends));
  pid_t child = (pid_t)MUST(fork());
  if (child == 0) {
    close(ends[1]);
    _exit(read(ends[0], &byte, 1) == 0 ? 17 : 1);
  }
  close(ends[0]);
  int status = -1;
  say("while it runs: %d", waitpid(child, &status, WNOHANG));
  close(ends[1]);
  for (int i = 0; i < 2; i++) {
    siginfo_t info = {0};
    MUST(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT));
    say("peeked: %d status %d", info.si_pid, info.si_status);
  }
  return WEXITSTATUS(reap(child));
}

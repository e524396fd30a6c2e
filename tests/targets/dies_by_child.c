// A child kills its parent by SIGTERM while the parent waits for it.
#include <signal.h>

#include "target.h"

int main(void) {
  pid_t child = (pid_t)MUST(fork());
  if (child == 0) {
    say("%d kills %d", getpid(), getppid());
    kill(getppid(), SIGTERM);
    return 0;
  }
  for (;;) wait(NULL);
}

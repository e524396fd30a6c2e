// A child is stopped and continued; its parent sees both with WUNTRACED and WCONTINUED.
#include <signal.h>

#include "target.h"

int main(void) {
  pid_t child = (pid_t)MUST(fork());
  if (child == 0)
    for (;;) pause();
  MUST(setpgid(child, child));  // SIGTSTP does not stop members of an orphaned process group
  int status;
  for (int i = 0; i < 3; i++) {
    MUST(kill(child, i == 1 ? SIGTSTP : SIGSTOP));
    MUST(waitpid(child, &status, WUNTRACED));
    say("stopped %d by %d", WIFSTOPPED(status), WSTOPSIG(status));
    MUST(kill(child, SIGCONT));
    MUST(waitpid(child, &status, WCONTINUED));
    say("continued %d", WIFCONTINUED(status));
  }
  MUST(kill(child, SIGTERM));
  return WTERMSIG(reap(child));
}

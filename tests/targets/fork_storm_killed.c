// Process groups whose members fork and fork are killed as a whole, new children included.
#include <signal.h>
#include <sys/prctl.h>
#include <time.h>

#include "target.h"

enum { rounds = 20 };

static void forks_for_ever(void) {
  for (;;) {
    pid_t child = fork();
    if (child == 0) _exit(0);
    if (child > 0) waitpid(child, NULL, WNOHANG);
  }
}

int main(void) {
  MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
  for (int i = 0; i < rounds; i++) {
    pid_t leader = (pid_t)MUST(fork());
    if (leader == 0) {
      MUST(setpgid(0, 0));
      forks_for_ever();
    }
    setpgid(leader, leader);
    nanosleep(&MS(1 + i % 5), NULL);
    MUST(kill(-leader, SIGKILL));
    reap(leader);
    while (wait(NULL) > 0) {
    }
  }
  say("%d groups killed", rounds);
  return 0;
}

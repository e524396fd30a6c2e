// A signal to a process group ends its two members and nobody else.
#include <signal.h>

#include "target.h"

int main(void) {
  pid_t members[2] = {0, 0};
  for (int i = 0; i < 2; i++) {
    members[i] = (pid_t)MUST(fork());
    if (members[i] == 0)
      for (;;) pause();
    MUST(setpgid(members[i], members[0]));
  }
  say("groups: own %d, theirs %d %d", getpgrp(), getpgid(members[0]), getpgid(members[1]));
  MUST(kill(-members[0], SIGTERM));
  for (int i = 0; i < 2; i++) reap(members[i]);
  pid_t leader = (pid_t)MUST(fork());
  if (leader == 0) {
    pid_t session = (pid_t)MUST(setsid());
    say("session %d, again: %s", session, outcome(setsid()));
    return 0;
  }
  reap(leader);
  return 0;
}

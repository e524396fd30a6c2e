// Stopping and continuing a process restarts its nanosleep and its poll, with the time that was left.
#include <poll.h>
#include <signal.h>
#include <time.h>

#include "target.h"

int main(void) {
  pid_t child = (pid_t)MUST(fork());
  if (child == 0) {
    struct timespec wanted = MS(60), before, after;
    MUST(clock_gettime(CLOCK_MONOTONIC, &before));
    say("nanosleep: %d", nanosleep(&wanted, NULL));
    say("poll: %d", poll(NULL, 0, 60));
    MUST(clock_gettime(CLOCK_MONOTONIC, &after));
    long took = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
    return took >= 119 ? 5 : 6;
  }
  struct timespec pause = MS(15);
  for (int i = 0; i < 3; i++) {
    nanosleep(&pause, NULL);
    MUST(kill(child, SIGSTOP));
    nanosleep(&pause, NULL);
    MUST(kill(child, SIGCONT));
  }
  return WEXITSTATUS(reap(child));
}

// An interval timer interrupts a read; without SA_RESTART the read fails with EINTR.
#include <signal.h>
#include <sys/time.h>

#include "target.h"

static volatile sig_atomic_t ticks;

static void tick(int signal) { ticks += signal == SIGALRM; }

int main(void) {
  struct sigaction action = {.sa_handler = tick};
  MUST(sigaction(SIGALRM, &action, NULL));
  int ends[2];
  char byte;
  MUST(pipe(ends));
  struct itimerval timer = {{0, 20000}, {0, 20000}}, left;
  for (int i = 0; i < 3; i++) {
    MUST(setitimer(ITIMER_REAL, &timer, NULL));
    ssize_t result = read(ends[0], &byte, 1);
    say("read: %zd %s, %d ticks", result, strerror(errno), (int)ticks);
  }
  MUST(getitimer(ITIMER_REAL, &left));
  say("left %ld.%06ld", (long)left.it_value.tv_sec, (long)left.it_value.tv_usec);
  return ticks >= 3 ? 3 : 1;
}

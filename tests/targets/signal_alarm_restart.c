// An interval timer fires during a read; with SA_RESTART the read goes on and gets its byte.
#include <signal.h>
#include <sys/time.h>
#include <time.h>

#include "target.h"

static volatile sig_atomic_t ticks;
static int ends[2];

static void tick(int signal) {
  if (++ticks == 3) MUST(write(ends[1], &signal, 1));
}

int main(void) {
  struct sigaction action = {.sa_handler = tick, .sa_flags = SA_RESTART};
  MUST(sigaction(SIGALRM, &action, NULL));
  MUST(pipe(ends));
  struct itimerval timer = {{0, 10000}, {0, 10000}}, off = {{0, 0}, {0, 0}};
  MUST(setitimer(ITIMER_REAL, &timer, NULL));
  char byte = 0;
  ssize_t result = read(ends[0], &byte, 1);
  MUST(setitimer(ITIMER_REAL, &off, NULL));
  say("read: %zd, byte %d, %s ticks", result, byte, ticks >= 3 ? "three or more" : "few");
  say("%d", (int)ticks);
  return byte;
}

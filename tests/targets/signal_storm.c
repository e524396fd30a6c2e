// A fast interval timer keeps interrupting a loop of calls; the pattern of interruptions is printed.
#include <signal.h>
#include <sys/time.h>

#include "target.h"

static volatile sig_atomic_t ticks;

static void handler(int signal) { ticks += signal == SIGALRM; }

int main(void) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
  MUST(sigaction(SIGALRM, &action, NULL));
  struct itimerval timer = {{0, 500}, {0, 500}}, off = {{0, 0}, {0, 0}};
  MUST(setitimer(ITIMER_REAL, &timer, NULL));
  unsigned pattern = 0;
  for (int i = 0; i < 1500; i++) {
    (void)getppid();
    pattern = pattern * 31 + (unsigned)ticks;
  }
  MUST(setitimer(ITIMER_REAL, &off, NULL));
  say("pattern %08x, %d ticks", pattern, (int)ticks);
  return 0;
}

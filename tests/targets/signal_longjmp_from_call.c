// An alarm handler leaves a blocked read by siglongjmp, as a classic timeout does.
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>

#include "target.h"

static sigjmp_buf back;

static void handler(int signal) { siglongjmp(back, signal); }

int main(void) {
  signal(SIGALRM, handler);
  int ends[2];
  char byte;
  MUST(pipe(ends));
  volatile int rounds = 0;
  struct itimerval timer = {{0, 0}, {0, 10000}};
  int result = sigsetjmp(back, 1);
  say("round %d: %d", rounds, result);
  if (rounds++ < 3) {
    MUST(setitimer(ITIMER_REAL, &timer, NULL));
    MUST(read(ends[0], &byte, 1));
  }
  return rounds;
}

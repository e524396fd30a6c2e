// An unhandled SIGALRM ends a program that sleeps in pause.
#include <sys/time.h>

#include "target.h"

int main(void) {
  struct itimerval timer = {{0, 0}, {0, 20000}};
  say("alarm set");
  MUST(setitimer(ITIMER_REAL, &timer, NULL));
  pause();
  return 1;
}

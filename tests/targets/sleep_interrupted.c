// A handled signal cuts nanosleep and clock_nanosleep short; the remainder is printed and slept.
#include <signal.h>
#include <sys/time.h>
#include <time.h>

#include "target.h"

static void handler(int signal) { (void)signal; }

int main(void) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
  MUST(sigaction(SIGALRM, &action, NULL));
  struct itimerval timer = {{0, 20000}, {0, 20000}};
  struct timespec wanted = MS(60), left = {0, 0}, end;
  MUST(setitimer(ITIMER_REAL, &timer, NULL));
  int result = nanosleep(&wanted, &left);
  say("nanosleep: %d %s, left %ld.%09ld", result, strerror(errno), (long)left.tv_sec, left.tv_nsec);
  result = nanosleep(&left, NULL);
  say("again: %d", result);
  MUST(clock_gettime(CLOCK_MONOTONIC, &end));
  end.tv_sec += 5;
  MUST(setitimer(ITIMER_REAL, &timer, NULL));
  result = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL);
  say("clock_nanosleep: %s", strerror(result));
  wanted = MS(5000);
  MUST(setitimer(ITIMER_REAL, &timer, NULL));
  result = clock_nanosleep(CLOCK_MONOTONIC, 0, &wanted, &left);
  say("clock_nanosleep: %s, left %ld.%09ld", strerror(result), (long)left.tv_sec, left.tv_nsec);
  return result == EINTR ? 0 : 1;
}

// A thousand signals a second, on an alternate stack of 8 KiB, over system calls made as fast as can be.
#include <signal.h>
#include <sys/time.h>

#include "target.h"

static volatile sig_atomic_t signals;
static long calls_in_handler;

static void on_alarm(int number) {
  (void)number;
  signals++;
  if (getppid() > 0) calls_in_handler++;
}

int main(void) {
  static char stack[8192];
  stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
  MUST(sigaltstack(&alternate, NULL));
  struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_ONSTACK | SA_RESTART};
  MUST(sigaction(SIGALRM, &action, NULL));
  struct itimerval every = {{0, 1000}, {0, 1000}};
  MUST(setitimer(ITIMER_REAL, &every, NULL));
  long calls = 0;
  char bytes[64];
  int zero[2];
  MUST(pipe(zero));
  while (signals < 300) {
    MUST(write(zero[1], "0123456789", 10));
    calls += MUST(read(zero[0], bytes, sizeof bytes));
    calls += getppid() > 0;
  }
  struct itimerval off = {{0, 0}, {0, 0}};
  MUST(setitimer(ITIMER_REAL, &off, NULL));
  say("%ld bytes and calls, %d signals, %ld calls of the handler", calls, (int)signals, calls_in_handler);
  return 0;
}

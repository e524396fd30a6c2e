// Signals at 1 kHz of CPU time, and a timer whose handler leaves by a long jump: each leaves its mark on what
// is computed.
#include <setjmp.h>
#include <sys/time.h>

#include "target.h"
#include "ticks.h"

enum { profiled = 40, jumps = 8 };

static volatile sig_atomic_t jumped;
static sigjmp_buf start;

static void on_alarm(int signal) {
  (void)signal;
  ++jumped;
  siglongjmp(start, 1);
}

static void set_timer(int which, long us) {
  const struct itimerval every = {{0, us}, {0, us}};
  ZERO(setitimer(which, &every, NULL));
}

static unsigned long compute(void) {
  unsigned long value = 1;
  for (int i = 0; i < 4; ++i) value = value * 33 + (mark >> 7) + (unsigned long)i;
  return value;
}

int main(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_tick;
  action.sa_flags = SA_RESTART;
  ZERO(sigaction(SIGPROF, &action, NULL));
  action.sa_handler = on_alarm;
  ZERO(sigaction(SIGALRM, &action, NULL));
  set_timer(ITIMER_PROF, 1000);
  unsigned long sum = 0, rounds = 0;
  while (ticks < profiled) {
    sum += compute();
    ++rounds;
  }
  set_timer(ITIMER_PROF, 0);
  say("profiled: %lu after %lu rounds, mark %lx", sum, rounds, (unsigned long)mark);
  volatile unsigned long walked = 0;
  if (sigsetjmp(start, 1) == 0) set_timer(ITIMER_REAL, 3000);
  while (jumped < jumps) walked = walked + 1;
  set_timer(ITIMER_REAL, 0);
  say("jumped: %lu", (unsigned long)walked);
  return 0;
}

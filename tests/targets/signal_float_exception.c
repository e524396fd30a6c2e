// Unmasked floating-point exceptions of SSE and x87 code reach the SIGFPE handler with their codes.
#include <fenv.h>
#include <setjmp.h>
#include <signal.h>

#include "target.h"

static sigjmp_buf back;

static void handler(int signal, siginfo_t* info, void* context) {
  (void)context;
  say("signal %d code %d", signal, info->si_code);
  siglongjmp(back, 1);
}

int main(void) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  MUST(sigaction(SIGFPE, &action, NULL));
  volatile double zero = 0, one = 1, large = 1e308;
  volatile long double long_zero = 0, long_one = 1;
  volatile int step = 0;
  sigsetjmp(back, 1);
  fesetenv(FE_DFL_ENV);
  feenableexcept(FE_DIVBYZERO | FE_OVERFLOW | FE_INVALID);
  switch (step++) {
    case 0:
      zero = one / zero;
      break;
    case 1:
      large = large * large;
      break;
    case 2:
      zero = zero / zero;
      break;
    case 3:
      long_zero = long_one / long_zero;
      break;
  }
  __asm__ volatile("fwait");
  say("step %d", step);
  return step;
}

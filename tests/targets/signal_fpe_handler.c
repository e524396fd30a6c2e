// An integer division by zero reaches the SIGFPE handler with its code and address.
#include <setjmp.h>
#include <signal.h>

#include "target.h"

static sigjmp_buf back;
static volatile int zero, minimum = INT32_MIN, minus_one = -1;

static void handler(int signal, siginfo_t* info, void* context) {
  (void)context;
  say("signal %d code %d at %p", signal, info->si_code, info->si_addr);
  siglongjmp(back, 1);
}

int main(void) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  MUST(sigaction(SIGFPE, &action, NULL));
  volatile int faults = 0;
  sigsetjmp(back, 1);
  if (faults == 0) faults++, zero = 10 / zero;
  if (faults == 1) faults++, zero = minimum / minus_one;
  return faults;
}

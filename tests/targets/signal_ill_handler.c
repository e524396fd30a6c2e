// An undefined instruction reaches the SIGILL handler, which skips it.
#include <signal.h>
#include <ucontext.h>

#include "target.h"

static void handler(int signal, siginfo_t* info, void* context) {
  ucontext_t* frame = context;
  say("signal %d code %d, address is the instruction's: %d", signal, info->si_code,
      (long long)(intptr_t)info->si_addr == frame->uc_mcontext.gregs[REG_RIP]);
  frame->uc_mcontext.gregs[REG_RIP] += 2;
}

int main(void) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  MUST(sigaction(SIGILL, &action, NULL));
  __asm__ volatile("ud2");
  __asm__ volatile("ud2");
  say("both skipped");
  return 0;
}

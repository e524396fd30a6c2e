// Breakpoint instructions reach the SIGTRAP handler.
#include <signal.h>
#include <ucontext.h>

#include "target.h"

static volatile sig_atomic_t traps;

static void handler(int signal, siginfo_t* info, void* context) {
  ucontext_t* frame = context;
  say("signal %d code %d, trap number %lld", signal, info->si_code, frame->uc_mcontext.gregs[REG_TRAPNO]);
  traps++;
}

int main(void) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  MUST(sigaction(SIGTRAP, &action, NULL));
  __asm__ volatile("int3");
  say("after int3: %d", (int)traps);
  raise(SIGTRAP);
  return traps;
}

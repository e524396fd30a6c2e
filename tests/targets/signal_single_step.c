// A program that sets its own trap flag counts the instructions it steps through.
#include <signal.h>
#include <ucontext.h>

#include "target.h"

static volatile sig_atomic_t steps;

static void handler(int signal, siginfo_t* info, void* context) {
  (void)info;
  (void)context;
  steps += signal == SIGTRAP;
}

int main(void) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  MUST(sigaction(SIGTRAP, &action, NULL));
  __asm__ volatile(
      "pushfq; orl $0x100, (%%rsp); popfq\n"
      "mov $5, %%ecx\n"
      "1: dec %%ecx\n"
      "jnz 1b\n"
      "pushfq; andl $~0x100, (%%rsp); popfq\n" ::
          : "rcx", "cc", "memory");
  say("%d steps", (int)steps);
  return steps;
}

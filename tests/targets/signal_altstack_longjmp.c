// A SIGSEGV handler on its own stack leaves by siglongjmp, three times.
#include <setjmp.h>
#include <signal.h>

#include "target.h"

static sigjmp_buf back;
static char* stack;

static void handler(int signal, siginfo_t* info, void* context) {
  (void)context;
  char here;
  say("signal %d at %p, code %d, on the own stack: %d", signal, info->si_addr, info->si_code,
      &here >= stack && &here < stack + 65536);
  siglongjmp(back, 1);
}

int main(void) {
  stack = malloc(65536);
  stack_t alternative = {.ss_sp = stack, .ss_size = 65536}, now;
  MUST(sigaltstack(&alternative, NULL));
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  MUST(sigaction(SIGSEGV, &action, NULL));
  volatile int count = 0;
  static char* volatile addresses[] = {(char*)8, (char*)0x123456789000, (char*)-1};
  sigsetjmp(back, 1);
  if (count < 3) *addresses[count++] = 1;
  MUST(sigaltstack(NULL, &now));
  say("%d faults, stack flags %d", count, now.ss_flags);
  return count;
}

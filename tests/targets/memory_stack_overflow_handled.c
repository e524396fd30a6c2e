// A stack overflow is handled on the alternative stack.
#include <setjmp.h>
#include <signal.h>
#include <sys/resource.h>

#include "target.h"

static sigjmp_buf back;
static volatile int deepest;

static void handler(int signal, siginfo_t* info, void* context) {
  (void)context;
  say("signal %d code %d at depth %d", signal, info->si_code, deepest);
  siglongjmp(back, 1);
}

static int descend(int depth) {
  volatile char frame[2000];
  frame[0] = (char)(deepest = depth);
  return descend(depth + 1) + frame[0];
}

int main(void) {
  struct rlimit limit = {1 << 20, 1 << 20};
  MUST(setrlimit(RLIMIT_STACK, &limit));
  stack_t alternative = {.ss_sp = malloc(65536), .ss_size = 65536};
  MUST(sigaltstack(&alternative, NULL));
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  MUST(sigaction(SIGSEGV, &action, NULL));
  if (sigsetjmp(back, 1) == 0) descend(0);
  say("alive");
  return deepest > 100 ? 0 : 1;
}

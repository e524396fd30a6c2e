// A fault while SIGSEGV is blocked kills the program although it has a handler.
#include <signal.h>

#include "target.h"

static void handler(int signal) {
  say("not reached: %d", signal);
  _exit(1);
}

int main(void) {
  sigset_t blocked;
  signal(SIGSEGV, handler);
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGSEGV);
  MUST(sigprocmask(SIG_BLOCK, &blocked, NULL));
  say("blocked");
  *(volatile int*)24 = 1;
  return 0;
}

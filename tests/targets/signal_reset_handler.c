// SA_RESETHAND: the first signal is handled, the second kills.
#include <signal.h>

#include "target.h"

static void handler(int signal) { say("handled %d once", signal); }

int main(void) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESETHAND}, now;
  MUST(sigaction(SIGUSR1, &action, NULL));
  raise(SIGUSR1);
  MUST(sigaction(SIGUSR1, NULL, &now));
  say("back to the default: %d", now.sa_handler == SIG_DFL);
  raise(SIGUSR1);
  say("not reached");
  return 1;
}

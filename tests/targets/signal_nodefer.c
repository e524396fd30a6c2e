// SA_NODEFER: a handler is entered again by its own signal; without it, only after it returned.
#include <signal.h>

#include "target.h"

static volatile sig_atomic_t count, depth;

static void handler(int signal) {
  depth++;
  say("enter at depth %d", (int)depth);
  if (++count % 3 != 0) raise(signal);
  say("leave at depth %d", (int)depth);
  depth--;
}

int main(void) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_NODEFER};
  MUST(sigaction(SIGUSR1, &action, NULL));
  raise(SIGUSR1);
  action.sa_flags = 0;
  MUST(sigaction(SIGUSR1, &action, NULL));
  raise(SIGUSR1);
  return count;
}

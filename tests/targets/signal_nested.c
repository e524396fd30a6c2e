// A handler is interrupted by another signal's handler, and that by a third.
#include <signal.h>

#include "target.h"

static int depth;

static void handler(int signal) {
  static const int next[] = {SIGUSR2, SIGHUP, SIGURG};
  int mine = depth++;
  say("enter %d at depth %d", signal, mine);
  if (mine < 3) raise(next[mine]);
  say("leave %d at depth %d", signal, mine);
  depth--;
}

int main(void) {
  static const int all[] = {SIGUSR1, SIGUSR2, SIGHUP, SIGURG};
  for (int i = 0; i < 4; i++) signal(all[i], handler);
  raise(SIGUSR1);
  say("back at depth %d", depth);
  return depth;
}

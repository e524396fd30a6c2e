// A process kills itself by SIGKILL.
#include <signal.h>

#include "target.h"

int main(void) {
  say("%d ends here", getpid());
  kill(getpid(), SIGKILL);
  say("not reached");
  return 1;
}

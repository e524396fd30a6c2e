// A tree of processes, three levels deep with two children each, adds up its exit statuses.
#include "target.h"

static int grow(int depth) {
  if (depth == 0) return 1;
  int sum = 0;
  pid_t children[2];
  for (int i = 0; i < 2; i++) {
    children[i] = (pid_t)MUST(fork());
    if (children[i] == 0) _exit(grow(depth - 1));
  }
  for (int i = 0; i < 2; i++) sum += WEXITSTATUS(reap(children[i]));
  say("%d at depth %d: %d", getpid(), depth, sum);
  return sum;
}

int main(void) { return grow(3); }

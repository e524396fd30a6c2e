// Parent and child write to the same standard output in an order that a pipe sets.
#include "target.h"

int main(void) {
  int there[2], back[2];
  char byte = 0;
  MUST(pipe(there));
  MUST(pipe(back));
  pid_t child = (pid_t)MUST(fork());
  for (int i = 0; i < 5; i++) {
    if (child == 0) MUST(read(there[0], &byte, 1));
    say("%s %d: %d", child ? "parent" : "child", i, getpid());
    MUST(write(child ? there[1] : back[1], &byte, 1));
    if (child != 0) MUST(read(back[0], &byte, 1));
  }
  if (child != 0) reap(child);
  return 0;
}

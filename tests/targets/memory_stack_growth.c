// A recursion grows the stack by six MiB.
#include "target.h"

static unsigned descend(int depth, unsigned seed) {
  volatile unsigned char frame[4096];
  for (int i = 0; i < 4096; i += 256) frame[i] = (unsigned char)(seed + (unsigned)i);
  unsigned below = depth ? descend(depth - 1, seed * 7 + 1) : 0;
  return below * 31 + frame[256 * (depth % 16)];
}

int main(void) {
  char here;
  say("stack at %p", (void*)&here);
  say("%08x", descend(1450, (unsigned)getpid()));
  return 0;
}

// An endless recursion dies by SIGSEGV at the stack's limit.
#include <sys/resource.h>

#include "target.h"

static int descend(int depth) {
  volatile char frame[2000];
  frame[0] = (char)depth;
  return descend(depth + 1) + frame[0];
}

int main(void) {
  struct rlimit limit = {1 << 20, 1 << 20};
  MUST(setrlimit(RLIMIT_STACK, &limit));
  say("going down");
  return descend(0);
}

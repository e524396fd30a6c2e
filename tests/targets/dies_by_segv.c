// Writing to an unmapped address kills the program by SIGSEGV.
#include "target.h"

int main(void) {
  say("%d is about to die", getpid());
  *(volatile int*)16 = 1;
  return 0;
}

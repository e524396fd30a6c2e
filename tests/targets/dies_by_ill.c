// An undefined instruction without a handler kills the program by SIGILL.
#include "target.h"

int main(void) {
  say("%d", getpid());
  __asm__ volatile("ud2");
  return 0;
}

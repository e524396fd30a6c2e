// The gs segment belongs to the program: it reads 0 at first, can be set, and holds while calls are made.
#include <asm/prctl.h>

#include "target.h"

static unsigned long base_of_gs(void) {
  unsigned long base = 1;
  MUST(syscall(SYS_arch_prctl, ARCH_GET_GS, &base));
  return base;
}

static unsigned long read_gs(void) {
  unsigned long value;
  __asm__ volatile("movq %%gs:0, %0" : "=r"(value));
  return value;
}

int main(void) {
  static unsigned long words[2] = {0x1234567890, 2};
  for (int i = 0; i < 100; i++) getppid();
  say("gs base at first: %lx", base_of_gs());
  MUST(syscall(SYS_arch_prctl, ARCH_SET_GS, words));
  long calls = 0;
  for (int i = 0; i < 100; i++) calls += getppid() > 0;
  say("gs:0 is %lx after %ld calls, the base is %s", read_gs(), calls,
      base_of_gs() == (unsigned long)words ? "its own" : "another");
  return 0;
}

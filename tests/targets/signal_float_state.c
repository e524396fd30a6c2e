// Rounding modes and the x87 stack survive handlers that change them, and calls.
#include <fenv.h>
#include <signal.h>
#include <xmmintrin.h>

#include "target.h"

static void handler(int signal) {
  (void)signal;
  fesetround(FE_TOWARDZERO);
  _mm_setcsr(_mm_getcsr() ^ 0x8000);
  __asm__ volatile("fninit");
}

int main(void) {
  signal(SIGUSR1, handler);
  fesetround(FE_UPWARD);
  unsigned before = _mm_getcsr();
  unsigned short control_before, control_after;
  long double kept = 0;
  __asm__ volatile("fnstcw %0" : "=m"(control_before));
  long result;
  __asm__ volatile("fldpi\nfldl2e\nsyscall\nfaddp\nfstpt %1\n"
                   : "=a"(result), "=m"(kept)
                   : "a"(SYS_kill), "D"(getpid()), "S"(SIGUSR1)
                   : "rcx", "r11", "memory");
  __asm__ volatile("fnstcw %0" : "=m"(control_after));
  unsigned char bytes[10];
  memcpy(bytes, &kept, 10);
  say("mxcsr %#x %#x, control %#x %#x, kill %ld", before, _mm_getcsr(), control_before, control_after,
      result);
  say("sum %02x%02x%02x%02x %02x%02x", bytes[9], bytes[8], bytes[7], bytes[6], bytes[1], bytes[0]);
  return before == _mm_getcsr() && control_before == control_after ? 0 : 1;
}

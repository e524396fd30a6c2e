// A program sets its fs base to an address that is the kernel's, which wrfsbase allows and ptrace does not,
// and makes calls.
#include <sys/auxv.h>

#include "target.h"

enum { has_fsgsbase = 2 };  // asm/hwcap2.h, HWCAP2_FSGSBASE

__attribute__((noinline)) static long calls_with_base(uint64_t base) {
  uint64_t before = 0;
  long sum = 0;
  __asm__ volatile("rdfsbase %0\n\twrfsbase %1" : "=&r"(before) : "r"(base));
  for (int i = 0; i < 40; i++) {
    long result = SYS_getpid;
    __asm__ volatile("syscall" : "+a"(result) : : "rcx", "r11", "memory");
    sum += result > 0;
  }
  uint64_t now = 0;
  __asm__ volatile("rdfsbase %0\n\twrfsbase %1" : "=&r"(now) : "r"(before));
  EXPECT(now == base);
  return sum;
}

int main(void) {
  if ((getauxval(AT_HWCAP2) & has_fsgsbase) == 0) {
    say("no wrfsbase here");
    return 0;
  }
  say("%ld calls", calls_with_base(0xffff888000000000));
  say("%ld calls", calls_with_base(0x7000));
  return 0;
}

// Makes one call over and over from the same instruction, each time with other arithmetic flags and another
// direction of string instructions, and finds all of them after it as they were, in r11 too.
#include <stdio.h>
#include <sys/syscall.h>

enum {
  carry = 1 << 0,
  parity = 1 << 2,
  adjust = 1 << 4,
  zero = 1 << 6,
  sign = 1 << 7,
  down = 1 << 10,
  overflow = 1 << 11
};

static const unsigned long flags[] = {carry, parity, adjust, zero, sign, down, overflow};
enum { count = sizeof flags / sizeof *flags };

int main(void) {
  unsigned long all = 0;
  for (int i = 0; i < count; ++i) all |= flags[i];
  int wrong = 0;
  for (int round = 0; round < 8; ++round) {
    for (unsigned set = 0; set < 1u << count; ++set) {
      unsigned long before = 0;
      for (int i = 0; i < count; ++i) before |= (set >> i & 1) != 0 ? flags[i] : 0;
      unsigned long after = 0, saved = 0;
      long result = 0;
      // Below the red zone.
      __asm__ volatile(
          "leaq -128(%%rsp), %%rsp\n\t"
          "pushfq\n\t"
          "popq %[after]\n\t"
          "andq %[others], %[after]\n\t"
          "orq %[before], %[after]\n\t"
          "pushq %[after]\n\t"
          "popfq\n\t"
          "movl %[number], %%eax\n\t"
          "syscall\n\t"
          "movq %%r11, %[saved]\n\t"
          "pushfq\n\t"
          "popq %[after]\n\t"
          "cld\n\t"
          "leaq 128(%%rsp), %%rsp"
          : [after] "=&r"(after), [saved] "=&r"(saved), "=&a"(result)
          : [before] "r"(before), [others] "r"(~all), [number] "i"(SYS_getppid)
          : "rcx", "r11", "memory", "cc");
      if ((after & all) != before || (saved & all) != before || result <= 0) {
        if (wrong++ < 10) printf("before %#lx, after %#lx, r11 %#lx\n", before, after & all, saved & all);
      }
    }
  }
  printf("%d wrong\n", wrong);
  return wrong != 0;
}

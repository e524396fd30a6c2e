// Which of the processor's features a program sees: by cpuid, xgetbv and the auxiliary vector.
#include <cpuid.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>

int main(void) {
  unsigned a = 0, b = 0, c = 0, d = 0;
  printf("sse4.2 %d avx %d avx2 %d avx512f %d aes %d\n", !!__builtin_cpu_supports("sse4.2"),
         !!__builtin_cpu_supports("avx"), !!__builtin_cpu_supports("avx2"),
         !!__builtin_cpu_supports("avx512f"), !!__builtin_cpu_supports("aes"));
  __cpuid_count(0xd, 0, a, b, c, d);
  printf("states %#x size %u\n", a, b);
  __cpuid(1, a, b, c, d);
  if ((c & bit_OSXSAVE) != 0) {
    __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    printf("xcr0 %#x\n", a);
  }
  printf("hwcap2 %#lx\n", getauxval(AT_HWCAP2));
  // The C library chooses these by what it saw.
  char from[5000], to[5000];
  memset(from, 'x', sizeof from);
  memcpy(to, from, sizeof from);
  printf("copied %d\n", memcmp(from, to, sizeof from) == 0 && memchr(to, 'y', sizeof to) == NULL);
  return 0;
}

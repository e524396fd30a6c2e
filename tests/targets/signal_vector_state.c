// Handlers that overwrite the vector registers leave those of the interrupted code as they were.
#include <signal.h>

#include "target.h"

static void handler(int signal) {
  (void)signal;
  if (__builtin_cpu_supports("avx"))
    __asm__ volatile(
        "vxorps %%ymm0, %%ymm0, %%ymm0; vmovaps %%ymm0, %%ymm7; vmovaps %%ymm0, %%ymm15; vzeroupper" ::
            : "xmm0", "xmm7", "xmm15");
  else
    __asm__ volatile("xorps %%xmm0, %%xmm0; xorps %%xmm7, %%xmm7; xorps %%xmm15, %%xmm15" ::
                         : "xmm0", "xmm7", "xmm15");
}

int main(void) {
  signal(SIGUSR1, handler);
  uint64_t before[12], after[12] = {0};
  for (int i = 0; i < 12; i++) before[i] = 0x0123456789abcdefULL * (unsigned)(i + 1) + (unsigned)getpid();
  long pid = getpid(), result;
  int wide = __builtin_cpu_supports("avx") != 0;
  // The kill call delivers the signal while the registers hold the values.
#define ROUND(move)                                                                                        \
  __asm__ volatile(move " (%2), %%" REG "0\n" move " 32(%2), %%" REG "7\n" move " 64(%2), %%" REG          \
                        "15\n"                                                                             \
                        "syscall\n" move " %%" REG "0, (%3)\n" move " %%" REG "7, 32(%3)\n" move " %%" REG \
                        "15, 64(%3)\n"                                                                     \
                   : "=a"(result)                                                                          \
                   : "a"(SYS_kill), "r"(before), "r"(after), "D"(pid), "S"(SIGUSR1)                        \
                   : "rcx", "r11", "memory", "xmm0", "xmm7", "xmm15")
#define REG "ymm"
  if (wide) ROUND("vmovups");
#undef REG
#define REG "xmm"
  if (!wide) ROUND("movups");
  int same = 0;
  for (int i = 0; i < 12; i++) same += before[i] == after[i];
  say("%ld: %d words kept, wide %d, last %016llx", result, same, wide, (unsigned long long)after[9]);
  return same == (wide ? 12 : 6) ? 0 : 1;
}

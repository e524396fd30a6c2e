// A timer's signals arrive in loops that the program has written itself, and writes anew; and in loops of
// AVX-512, where the processor has it.
#include <stdint.h>
#include <sys/mman.h>
#include <sys/time.h>

#include "target.h"
#include "ticks.h"

// mov %rsi,%rax ; 1: imul $n,%rax,%rax ; add $5,%rax ; dec %rdi ; jnz 1b ; ret
static unsigned char code[] = {0x48, 0x89, 0xf0, 0x48, 0x69, 0xc0, 0x0d, 0,    0,    0,
                               0x48, 0x83, 0xc0, 0x05, 0x48, 0xff, 0xcf, 0x75, 0xf0, 0xc3};

static unsigned long run_generated(unsigned char* page) {
  unsigned long sum = 1;
  for (unsigned factor = 13; ticks < 6; factor += 2) {
    memcpy(code + 6, &factor, sizeof factor);
    memcpy(page, code, sizeof code);
    sum = ((unsigned long (*)(unsigned long, unsigned long))(uintptr_t)page)(50000, sum + mark);
  }
  return sum;
}

#if defined(__x86_64__) && defined(__GNUC__)
__attribute__((target("avx512f"))) static unsigned long run_wide(void) {
  typedef unsigned long wide __attribute__((vector_size(64)));
  wide sum = {0}, step = {1, 2, 3, 4, 5, 6, 7, 8};
  while (ticks < 6) {
    for (int i = 0; i < 1000; ++i) sum = (sum + step) ^ (sum >> 3);
    sum[0] += mark;
  }
  unsigned long all = 0;
  for (int i = 0; i < 8; ++i) all += sum[i];
  return all;
}
#endif

int main(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_tick;
  action.sa_flags = SA_RESTART;
  ZERO(sigaction(SIGALRM, &action, NULL));
  const struct itimerval every = {{0, 2000}, {0, 2000}};
  ZERO(setitimer(ITIMER_REAL, &every, NULL));
  unsigned char* page =
      mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page != MAP_FAILED) say("generated: %lx", run_generated(page));
  ticks = 0;
  if (__builtin_cpu_supports("avx512f")) {
    say("AVX-512: %lx", run_wide());
  } else {
    say("AVX-512: skipped, this processor has none");
  }
  return 0;
}

// cpuid and xgetbv, with what differs from processor to processor: the numbers of the one that answers.
#include <cpuid.h>
#include <pthread.h>

#include "target.h"

static void* leaves(void* name) {
  const unsigned wanted[][2] = {{0, 0},          {1, 0},          {4, 1},         {7, 0},
                                {0xb, 0},        {0xb, 1},        {0xd, 1},       {0x1f, 0},
                                {0x80000000, 0}, {0x80000008, 0}, {0x8000001e, 0}};
  for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
    unsigned a, b, c, d;
    __cpuid_count(wanted[i][0], wanted[i][1], a, b, c, d);
    say("%s: leaf %#x/%u: %08x %08x %08x %08x", (char*)name, wanted[i][0], wanted[i][1], a, b, c, d);
  }
  unsigned a, b, c, d;
  __cpuid(1, a, b, c, d);
  if ((c & bit_OSXSAVE) != 0) {
    for (unsigned which = 0; which < 2; which++) {
      __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(which));
      say("%s: xgetbv %u: %#x %#x", (char*)name, which, a, d);
    }
  }
  return NULL;
}

int main(void) {
  leaves("main");
  pthread_t thread;
  ZERO(pthread_create(&thread, NULL, leaves, "thread"));
  ZERO(pthread_join(thread, NULL));
  const pid_t child = MUST(fork());
  if (child == 0) {
    leaves("child");
    _exit(0);
  }
  reap(child);
  unsigned a, b, c, d;
  __cpuid(1, a, b, c, d);
  if ((c & (1u << 30)) != 0) say("rdrand is announced");
  __cpuid_count(7, 0, a, b, c, d);
  if ((b & (1u << 18)) != 0) say("rdseed is announced");
  return 0;
}

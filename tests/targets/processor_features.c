// The processor's identification, without the number of the core that happened to answer.
#include <cpuid.h>

#include "target.h"

int main(void) {
  unsigned leaves[] = {0, 1, 7, 0x80000000, 0x80000002, 0x80000003, 0x80000004}, a, b, c, d;
  for (size_t i = 0; i < sizeof leaves / sizeof *leaves; i++) {
    if (!__get_cpuid_count(leaves[i], 0, &a, &b, &c, &d)) continue;
    if (leaves[i] == 1) b &= 0xffff;  // above it: the initial APIC id and the number of those
    say("%08x: %08x %08x %08x %08x", leaves[i], a, b, c, d);
  }
  return 0;
}

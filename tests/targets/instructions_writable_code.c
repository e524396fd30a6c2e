// Code in memory that is writable and executable at once, as just-in-time compilers make it: random numbers
// of the processor in functions that are written one after the other, between data with the same bytes.
#include <stdint.h>
#include <sys/mman.h>

#include "target.h"

typedef uint64_t function(void);

// mov $0xa20fa20f,%eax ; ret: the bytes of cpuid, twice, as a number.
static const unsigned char number[] = {0xb8, 0x0f, 0xa2, 0x0f, 0xa2, 0xc3};
// push %rbx ; pushf ; pop %rax ; push %rax ; popf ; xor %eax,%eax ; cpuid ; rdrand %rax ; pushf ; pop %rbx ;
// pop %rbx ; ret
static const unsigned char random_number[] = {0x53, 0x9c, 0x58, 0x50, 0x9d, 0x31, 0xc0, 0x0f, 0xa2,
                                              0x48, 0x0f, 0xc7, 0xf0, 0x9c, 0x5b, 0x5b, 0xc3};

static int processor_has_rdrand(void) {
  char line[8192];
  int found = 0;
  FILE* info = fopen("/proc/cpuinfo", "r");
  while (info != NULL && fgets(line, sizeof line, info) != NULL) found |= strstr(line, " rdrand") != NULL;
  if (info != NULL) fclose(info);
  return found;
}

static uint64_t run(unsigned char* at, const unsigned char* code, size_t size) {
  memcpy(at, code, size);
  return ((function*)(uintptr_t)at)();
}

static void use(unsigned char* page, const char* name) {
  say("%s: %#lx", name, (unsigned long)run(page + 0x100, number, sizeof number));
  if (!processor_has_rdrand()) return;
  say("%s: %#lx", name, (unsigned long)run(page + 0x400, random_number, sizeof random_number));
  for (int i = 0; i < 3; i++) say("%s: %#lx", name, (unsigned long)((function*)(uintptr_t)(page + 0x400))());
  // Across the end of the first page.
  say("%s: %#lx", name, (unsigned long)run(page + 4096 - 8, random_number, sizeof random_number));
  say("%s: %s", name, memcmp(page + 0x100, number, sizeof number) == 0 ? "data as it was" : "data changed");
}

int main(void) {
  const int all = PROT_READ | PROT_WRITE | PROT_EXEC;
  unsigned char* mapped = mmap(NULL, 4 * 4096, all, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) {
    say("no writable code here");
    return 0;
  }
  use(mapped, "mapped");
  unsigned char* made = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ZERO(mprotect(made, 4 * 4096, all));
  use(made, "made");
  unsigned char* moved = mremap(made, 4 * 4096, 8 * 4096, MREMAP_MAYMOVE);
  use(moved + 3 * 4096, "moved");
  const pid_t child = MUST(fork());
  if (child == 0) {
    use(mapped + 2 * 4096, "child");
    _exit(0);
  }
  reap(child);
  use(mapped + 2 * 4096, "parent");
  return 0;
}

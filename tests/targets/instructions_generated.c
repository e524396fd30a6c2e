// Code that the program makes: written, then made executable; rewritten, and made executable again; copied by
// mremap and by fork. What only looks like an instruction (the number that the code returns) stays as it is.
#include <sys/mman.h>

#include "target.h"

typedef uint64_t Function(void);

// mov $0x0fa20fa2, %eax ; push %rbx ; xor %ecx,%ecx ; mov $1,%eax … cpuid … shr ebx ; pop ; ret
static const unsigned char number_then_cpuid[] = {0xb8, 0xa2, 0x0f, 0xa2, 0x0f, 0x89, 0xc6, 0x53, 0x31, 0xc9,
                                                  0xb8, 0x01, 0x00, 0x00, 0x00, 0x0f, 0xa2, 0x89, 0xd8, 0x5b,
                                                  0x48, 0xc1, 0xe6, 0x20, 0x48, 0x09, 0xf0, 0xc3};
static const unsigned char rdrand_rax[] = {0x48, 0x0f, 0xc7, 0xf0, 0xc3};
static const unsigned char number_only[] = {0xb8, 0x0f, 0xc7, 0xf0, 0x90, 0xc3};

static void* page;

static void write_code(const unsigned char* code, size_t size) {
  MUST(mprotect(page, 4096, PROT_READ | PROT_WRITE));
  memset(page, 0x90, 64);
  memcpy((char*)page + 16, code, size);
  MUST(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

static uint64_t call(void) { return ((Function*)(uintptr_t)page)(); }

static int has_rdrand(void) {
  static char line[8192];
  FILE* info = fopen("/proc/cpuinfo", "r");
  while (info != NULL && fgets(line, sizeof line, info) != NULL && strncmp(line, "flags", 5) != 0) {
  }
  if (info != NULL) fclose(info);
  return strstr(line, " rdrand") != NULL;
}

int main(void) {
  const int random = has_rdrand();
  page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT(page != MAP_FAILED);
  write_code(number_then_cpuid, sizeof number_then_cpuid);
  say("number and processor: %#llx", (unsigned long long)call());
  write_code(number_then_cpuid, sizeof number_then_cpuid);
  say("again: %#llx", (unsigned long long)call());
  MUST(mprotect(page, 4096, PROT_READ | PROT_EXEC));
  say("made executable twice: %#llx", (unsigned long long)call());
  if (random) {
    write_code(rdrand_rax, sizeof rdrand_rax);
    say("random: %#llx", (unsigned long long)call());
  }
  write_code(number_only, sizeof number_only);
  EXPECT(call() == 0x90f0c70f);
  if (!random) return 0;
  write_code(rdrand_rax, sizeof rdrand_rax);
  void* place = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT(place != MAP_FAILED);
  page = mremap(page, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, place);
  EXPECT(page == place);
  say("moved: %#llx", (unsigned long long)call());
  const pid_t child = MUST(fork());
  if (child == 0) {
    say("child: %#llx", (unsigned long long)call());
    _exit(0);
  }
  reap(child);
  say("parent: %#llx", (unsigned long long)call());
  return 0;
}

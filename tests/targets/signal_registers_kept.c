// What a handler returns to has its registers as they were at the fault, whatever calls the program made
// before: also those of which rec gives the kernel other arguments (executable writable memory, MADV_FREE).
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "target.h"

enum { size = 4096, length_of_ud2 = 2 };

static void skip(int number, siginfo_t* info, void* context) {
  (void)number, (void)info;
  ((ucontext_t*)context)->uc_mcontext.gregs[REG_RIP] += length_of_ud2;
}

static void fault(const char* after) {
  register uint64_t r10 __asm__("r10") = 4, r8 __asm__("r8") = 5, r9 __asm__("r9") = 6;
  uint64_t rdi = 1, rsi = 2, rdx = 3, rax = 7, rcx = 8;
  __asm__ volatile("ud2"
                   : "+D"(rdi), "+S"(rsi), "+d"(rdx), "+a"(rax), "+c"(rcx), "+r"(r10), "+r"(r8), "+r"(r9)
                   :
                   : "memory");
  say("after %s: %d %d %d %d %d %d %d %d", after, (int)rdi, (int)rsi, (int)rdx, (int)r10, (int)r8, (int)r9,
      (int)rax, (int)rcx);
  EXPECT(rdi == 1 && rsi == 2 && rdx == 3 && r10 == 4 && r8 == 5 && r9 == 6 && rax == 7 && rcx == 8);
}

int main(void) {
  struct sigaction action = {.sa_sigaction = skip, .sa_flags = SA_SIGINFO};
  MUST(sigaction(SIGILL, &action, NULL));
  fault("nothing");
  char* memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT(memory != MAP_FAILED);
  MUST(mprotect(memory, size, PROT_READ | PROT_WRITE | PROT_EXEC));
  fault("executable memory");
  MUST(mprotect(memory, size, PROT_READ | PROT_WRITE));
  MUST(madvise(memory, size, MADV_FREE));
  fault("advice");
  MUST(munmap(memory, size));
  return 0;
}

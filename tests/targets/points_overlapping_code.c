// A timer interrupts a loop whose instruction is also the end of another one, which runs before it.
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>

#include "target.h"

static sigjmp_buf back;
static volatile uint32_t seen;

static void on_timer(int signal, siginfo_t* info, void* context) {
  (void)signal, (void)info;
  // ucontext_t's registers: r8 to r15, rdi, rsi, rbp, rbx, rdx, rax.
  seen = (uint32_t)((const uint64_t*)((const char*)context + 40))[13];
  siglongjmp(back, 1);
}

int main(void) {
  // 0: xor $0x4c000000,%eax, whose last byte is the first of 4: jno 4. In front of that, 5: jno 4.
  static const unsigned char code[] = {0x35, 0, 0, 0, 0x4c, 0x71, 0xfd, 0xc3};
  char* page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT(page != MAP_FAILED);
  memcpy(page, code, sizeof code);
  MUST(mprotect(page, 4096, PROT_READ | PROT_EXEC));
  struct sigaction action = {.sa_sigaction = on_timer, .sa_flags = SA_SIGINFO};
  MUST(sigaction(SIGALRM, &action, NULL));
  for (int round = 0; round < 3; ++round) {
    if (sigsetjmp(back, 1) == 0) {
      const struct itimerval soon = {.it_value = {.tv_usec = 20000}};
      MUST(setitimer(ITIMER_REAL, &soon, NULL));
      uint32_t value = (uint32_t)round;
      __asm__ volatile("call *%1" : "+a"(value) : "r"(page) : "cc", "memory");
      say("the loop ended");
    }
    say("round %d: %x", round, seen);
  }
  return 0;
}

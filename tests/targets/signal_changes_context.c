// A handler changes registers of the interrupted code: where it goes on, rax, rbx and a vector register.
#include <signal.h>
#include <ucontext.h>

#include "target.h"

extern char landing[];

static void handler(int signal, siginfo_t* info, void* context) {
  (void)info;
  ucontext_t* frame = context;
  frame->uc_mcontext.gregs[REG_RIP] = (long long)(intptr_t)landing;
  frame->uc_mcontext.gregs[REG_RAX] = 1000 + signal;
  frame->uc_mcontext.gregs[REG_RBX] += 5;
  frame->uc_mcontext.fpregs->_xmm[3].element[0] = 0x1234;
}

int main(void) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  MUST(sigaction(SIGSEGV, &action, NULL));
  long rax, rbx = 37, low;
  __asm__ volatile(
      "pxor %%xmm3, %%xmm3\n"
      "xor %%eax, %%eax\n"
      "mov %%rax, (%%rax)\n"
      "ud2\n"
      ".globl landing\n"
      "landing: movq %%xmm3, %2\n"
      : "=&a"(rax), "+b"(rbx), "=r"(low)
      :
      : "xmm3", "memory");
  say("rax %ld, rbx %ld, xmm3 %#lx", rax, rbx, low);
  return rax == 1000 + SIGSEGV ? 0 : 1;
}

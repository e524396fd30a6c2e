// A call changes rax, rcx and r11 only: rcx becomes the next address, r11 the flags, all else is kept.
#include "target.h"

int main(void) {
  static uint64_t seen[10];
  register uint64_t* to __asm__("r13") = seen;
  __asm__ volatile(
      "mov $0x11111111, %%ebx; mov $0x22222222, %%edx; mov $0x33333333, %%esi; mov $0x44444444, %%edi\n"
      "mov $0x55555555, %%r8d; mov $0x66666666, %%r9d; mov $0x77777777, %%r10d; mov $0x88888888, %%r12d\n"
      "mov $39, %%eax; test %%rsp, %%rsp; stc; syscall\n"  // getpid
      "1: mov %%rax, 0(%0); lea 1b(%%rip), %%rax; sub %%rax, %%rcx; mov %%rcx, 8(%0)\n"
      "mov %%r11, 16(%0); mov %%rbx, 24(%0); mov %%rdx, 32(%0); mov %%rsi, 40(%0)\n"
      "mov %%rdi, 48(%0); mov %%r8, 56(%0); mov %%r9, 64(%0); mov %%r10, 72(%0)\n"
      "cmp $0x88888888, %%r12d; je 2f; ud2; 2:\n"
      : "+r"(to)
      :
      : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "memory", "cc");
  say("pid %lu, rcx off by %ld, carry in r11 %lu", (unsigned long)seen[0], (long)seen[1],
      (unsigned long)seen[2] & 1);
  for (int i = 3; i < 10; i++) say("register %d: %lx", i, (unsigned long)seen[i]);
  return seen[0] == (uint64_t)getpid() && seen[1] == 0 ? 0 : 1;
}

// A signal whose handler interrupts the program right before a popf, or an iretq: the flags that the handler
// finds are the program's, the trap flag is not among them.
#include <signal.h>
#include <stdio.h>
#include <ucontext.h>

static volatile sig_atomic_t caught, with_trap_flag;

static void on_trap(int signal, siginfo_t* info, void* context) {
  (void)signal;
  (void)info;
  const ucontext_t* user = context;
  ++caught;
  if ((user->uc_mcontext.gregs[REG_EFL] & 0x100) != 0) ++with_trap_flag;
}

int main(void) {
  struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
  sigaction(SIGTRAP, &action, NULL);
  for (int i = 0; i < 20; ++i) {
    __asm__ volatile("lea -128(%%rsp), %%rsp\n\tpushfq\n\tint3\n\tpopfq\n\tlea 128(%%rsp), %%rsp" ::
                         : "memory", "cc");
  }
  for (int i = 0; i < 20; ++i) {
    __asm__ volatile(
        "mov %%rsp, %%rbx\n\tlea -256(%%rsp), %%rsp\n\tand $-16, %%rsp\n\t"
        "mov %%ss, %%eax\n\tpush %%rax\n\tpush %%rbx\n\tpushfq\n\tmov %%cs, %%eax\n\tpush %%rax\n\t"
        "lea 1f(%%rip), %%rax\n\tpush %%rax\n\tint3\n\tiretq\n1:" ::
            : "rax", "rbx", "memory", "cc");
  }
  printf("caught %d, with the trap flag %d\n", (int)caught, (int)with_trap_flag);
  return with_trap_flag != 0;
}

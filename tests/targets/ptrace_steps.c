// As a debugger does: a breakpoint in the child's code, single steps from there (over ordinary instructions,
// a system call and rdtsc), the breakpoint taken out again, and registers of both kinds read and written.
#include <elf.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <x86intrin.h>

#include "target.h"

__attribute__((noinline)) static long work(long n) {
  long sum = 0;
  for (long i = 0; i < n; i++) sum += i * i;
  sum += __rdtsc() != 0;
  sum += syscall(SYS_umask, 022) >= 0;
  return sum;
}

__attribute__((noinline)) static double half(double x) {
  __asm__ volatile("int3" : "+x"(x));
  return x / 2;
}

static void run_child(void) {
  MUST(ptrace(PTRACE_TRACEME, 0, 0, 0));
  MUST(raise(SIGSTOP));
  say("work: %ld", work(5));
  say("half: %d", (int)half(10.0));
  _exit(3);
}

static pid_t child;

static int go(int request, int signal_number) {
  int status = 0;
  MUST(ptrace(request, child, 0, signal_number));
  MUST(waitpid(child, &status, 0));
  return status;
}

int main(void) {
  child = (pid_t)MUST(fork());
  if (child == 0) run_child();
  int status = 0;
  MUST(waitpid(child, &status, 0));
  const long place = (long)&work;
  const long original = MUST(ptrace(PTRACE_PEEKTEXT, child, place, 0));
  MUST(ptrace(PTRACE_POKETEXT, child, place, (original & ~0xffL) | 0xcc));
  status = go(PTRACE_CONT, 0);
  struct user_regs_struct registers;
  MUST(ptrace(PTRACE_GETREGS, child, 0, &registers));
  say("stopped by %d, %s the breakpoint", WSTOPSIG(status),
      (long)registers.rip == place + 1 ? "behind" : "far from");
  MUST(ptrace(PTRACE_POKETEXT, child, place, original));
  registers.rip = (unsigned long)place;
  registers.rdi = 6;  // not 5
  MUST(ptrace(PTRACE_SETREGS, child, 0, &registers));
  const unsigned long back = (unsigned long)MUST(ptrace(PTRACE_PEEKDATA, child, registers.rsp, 0));
  int steps = 0;
  do {
    status = go(PTRACE_SINGLESTEP, 0);
    EXPECT(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
    MUST(ptrace(PTRACE_GETREGS, child, 0, &registers));
    steps++;
  } while (registers.rip != back);
  say("returns %lld after %s steps", (long long)registers.rax, steps > 50 ? "many" : "few");
  status = go(PTRACE_CONT, 0);
  say("its own int3: %d", WSTOPSIG(status));
  struct user_fpregs_struct fp;
  MUST(ptrace(PTRACE_GETFPREGS, child, 0, &fp));
  const double other = 42.0;
  for (int i = 0; i < 16; i++) memcpy(&fp.xmm_space[(size_t)i * 4], &other, sizeof other);
  MUST(ptrace(PTRACE_SETFPREGS, child, 0, &fp));
  struct iovec area = {&registers, sizeof registers};
  MUST(ptrace(PTRACE_GETREGSET, child, NT_PRSTATUS, &area));
  say("register set of %zu bytes", area.iov_len);
  MUST(ptrace(PTRACE_SETREGSET, child, NT_PRSTATUS, &area));
  status = go(PTRACE_CONT, 0);
  say("it exited with %d", WEXITSTATUS(status));
  return 0;
}

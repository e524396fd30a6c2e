// Hardware watchpoints and breakpoints, as a debugger sets them: by PTRACE_POKEUSER of debug registers.
#include <signal.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#include "target.h"

static volatile long watched;
__attribute__((noinline)) static long step(long n) {
  watched += n;
  return n * 3;
}

static void run_child(void) {
  MUST(ptrace(PTRACE_TRACEME, 0, 0, 0));
  MUST(raise(SIGSTOP));
  long sum = 0;
  for (long i = 0; i < 200; i++) sum += i % 50 == 7 ? step(i) : i;
  say("sum %ld, watched %ld", sum, watched);
  execl("/bin/true", "true", (char*)NULL);
  _exit(99);
}

static pid_t child;

static long set(int number, long value) {
  return ptrace(PTRACE_POKEUSER, child, offsetof(struct user, u_debugreg) + (size_t)number * sizeof(long),
                value);
}

static long status_of(void) {
  return MUST(ptrace(PTRACE_PEEKUSER, child, offsetof(struct user, u_debugreg) + 6 * sizeof(long), 0)) & 0xf;
}

int main(void) {
  child = (pid_t)MUST(fork());
  if (child == 0) run_child();
  int status = 0;
  MUST(waitpid(child, &status, 0));
  EXPECT(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
  // Register 0 watches eight bytes for writes, register 1 stops in front of an instruction.
  const long control = 1L << 0 | 1L << 2 | (1L | 2L << 2) << 16;
  const int possible = set(0, (long)&watched) == 0 && set(1, (long)&step) == 0 && set(7, control) == 0;
  if (!possible) say("this machine gives no debug registers: %s", strerror(errno));
  int writes = 0, calls = 0;
  for (int deliver = 0;;) {
    MUST(ptrace(PTRACE_CONT, child, 0, deliver));
    MUST(waitpid(child, &status, 0));
    if (!WIFSTOPPED(status)) break;
    deliver = 0;
    siginfo_t info;
    MUST(ptrace(PTRACE_GETSIGINFO, child, 0, &info));
    if (info.si_code != TRAP_HWBKPT) {
      say("signal %d, code %d", info.si_signo, info.si_code);
      continue;
    }
    const long why = status_of();
    struct user_regs_struct registers;
    MUST(ptrace(PTRACE_GETREGS, child, 0, &registers));
    if (why & 1) {
      writes++;
      say("written: %ld", MUST(ptrace(PTRACE_PEEKDATA, child, &watched, 0)));
    }
    if (why & 2) {
      calls++;
      say("step(%lld), %s", (long long)registers.rdi,
          (long)registers.rip == (long)&step ? "at its start" : "elsewhere");
    }
    if (calls == 3) MUST(set(7, control & ~(1L << 2)));
  }
  say("%d writes, %d calls seen, it exited with %d", writes, calls, WEXITSTATUS(status));
  EXPECT(!possible || (writes == 4 && calls == 3));
  return 0;
}

// A parent traces its child's system calls as strace does: it sees their arguments and results, changes one
// of each, calls one off, and chooses what becomes of a signal.
#include <signal.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#include "target.h"

static volatile int handled;
static void on_signal(int number) { handled += number; }

static void run_child(void) {
  signal(SIGUSR1, on_signal);
  MUST(ptrace(PTRACE_TRACEME, 0, 0, 0));
  MUST(raise(SIGSTOP));
  say("my parent calls itself %ld", syscall(SYS_getppid));
  say("it lets me write this");
  say("umask: %ld", syscall(SYS_umask, 0123));
  errno = 0;
  say("called off: %ld, %d", syscall(SYS_getpgid, 0), errno);
  MUST(raise(SIGUSR1));  // suppressed
  say("after the first signal: %d", handled);
  MUST(raise(SIGUSR2));  // becomes another one
  say("after the second: %d", handled);
  _exit(7);
}

static pid_t child;

static void at_entry(struct user_regs_struct* registers) {
  if (registers->orig_rax == SYS_umask) {
    registers->rdi = 0;
    MUST(ptrace(PTRACE_SETREGS, child, 0, registers));
  } else if (registers->orig_rax == SYS_getpgid) {
    MUST(ptrace(PTRACE_POKEUSER, child, offsetof(struct user_regs_struct, orig_rax), -1));
  } else if (registers->orig_rax == SYS_write) {
    long word = MUST(ptrace(PTRACE_PEEKDATA, child, registers->rsi, 0));
    if (memcmp(&word, "it lets ", 8) == 0) {
      memcpy(&word, "IT LETS ", 8);
      MUST(ptrace(PTRACE_POKEDATA, child, registers->rsi, word));
    }
  }
}

static void at_exit_stop(long number, struct user_regs_struct* registers) {
  say("call %ld = %lld", number, (long long)registers->rax);
  if (number == SYS_getppid) {
    registers->rax = 4711;
    MUST(ptrace(PTRACE_SETREGS, child, 0, registers));
  }
}

static int chosen_signal(int stopped_by) {
  siginfo_t info;
  MUST(ptrace(PTRACE_GETSIGINFO, child, 0, &info));
  say("signal %d, code %d", stopped_by, info.si_code);
  if (stopped_by == SIGUSR1) return 0;
  return stopped_by == SIGUSR2 ? SIGUSR1 : stopped_by;
}

int main(void) {
  child = (pid_t)MUST(fork());
  if (child == 0) run_child();
  int status = 0;
  MUST(waitpid(child, &status, 0));
  EXPECT(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
  MUST(ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
  long number = -1;
  for (int entering = 1, deliver = 0;;) {
    MUST(ptrace(PTRACE_SYSCALL, child, 0, deliver));
    deliver = 0;
    MUST(waitpid(child, &status, __WALL));
    if (!WIFSTOPPED(status)) break;
    if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
      deliver = chosen_signal(WSTOPSIG(status));
      continue;
    }
    struct user_regs_struct registers;
    MUST(ptrace(PTRACE_GETREGS, child, 0, &registers));
    if (entering) {
      number = (long)registers.orig_rax;
      at_entry(&registers);
    } else {
      at_exit_stop(number, &registers);
    }
    entering = !entering;
  }
  say("it exited with %d", WEXITSTATUS(status));
  return 0;
}

// A program's own seccomp filters, as sandboxes have them: calls that raise SIGSYS, whose handler answers
// them in the kernel's place, calls that fail with an error number, and calls that pass; in threads and
// children, too.
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <ucontext.h>

#include "target.h"

#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1
#endif

static volatile int trapped = 0;

static void on_trap(int number, siginfo_t* info, void* context) {
  (void)number;
  ucontext_t* at = context;
  ++trapped;
  const int errno_then = errno;
  say("SIGSYS: code %d, call %d, arch %x, errno %d, first argument %d", info->si_code, info->si_syscall,
      (unsigned)info->si_arch, info->si_errno, (int)at->uc_mcontext.gregs[REG_RDI]);
  EXPECT(info->si_call_addr == (void*)at->uc_mcontext.gregs[REG_RIP]);
  EXPECT(at->uc_mcontext.gregs[REG_RAX] == info->si_syscall);
  at->uc_mcontext.gregs[REG_RAX] = info->si_syscall == SYS_getpgid ? 4711 : -ENOTTY;
  errno = errno_then;
}

#define WHEN(number, action) \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), BPF_STMT(BPF_RET | BPF_K, action)

static void install(unsigned flags) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      WHEN(SYS_getpgid, SECCOMP_RET_TRAP | 7),
      WHEN(SYS_inotify_init, SECCOMP_RET_TRAP | 8),
      WHEN(SYS_getppid, SECCOMP_RET_ERRNO | EDOM),
      WHEN(SYS_mincore, SECCOMP_RET_ERRNO | ENOMSG),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof code / sizeof *code, code};
  MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  MUST(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program));
}

static void try_all(const char* who) {
  for (int i = 0; i < 3; ++i) {
    say("%s: getpgid %s", who, outcome(syscall(SYS_getpgid, 5 + i)));
    say("%s: inotify_init %s", who, outcome(syscall(SYS_inotify_init, i)));
    say("%s: getppid %s", who, outcome(syscall(SYS_getppid)));
    say("%s: mincore %s", who, outcome(syscall(SYS_mincore, 0, 0, 0)));
    say("%s: getuid %d", who, syscall(SYS_getuid) >= 0);
  }
}

static void* run(void* name) {
  try_all(name);
  return NULL;
}

int main(void) {
  struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
  MUST(sigaction(SIGSYS, &action, NULL));
  for (int i = 0; i < 20; ++i) MUST(syscall(SYS_getpgid, 0));  // often enough to run without stops
  install(SECCOMP_FILTER_FLAG_TSYNC);
  try_all("main");
  pthread_t thread;
  char name[] = "thread";
  ZERO(pthread_create(&thread, NULL, run, name));
  ZERO(pthread_join(thread, NULL));
  const pid_t child = (pid_t)MUST(fork());
  if (child == 0) {
    try_all("child");
    _exit(trapped);
  }
  reap(child);
  say("%d traps", trapped);
  fflush(NULL);
  // Without a handler the signal ends the process.
  signal(SIGSYS, SIG_DFL);
  syscall(SYS_getpgid, 0);
  return 1;
}

// Attaching to processes that run: one that computes, one that sleeps, one that is seized, interrupted,
// stopped as a group and left to listen; and a process that is not the tracer's child.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <time.h>

#include "target.h"

static volatile int go_on = 1;

static pid_t start(int computes) {
  const pid_t child = (pid_t)MUST(fork());
  if (child != 0) return child;
  if (computes) {
    for (volatile unsigned long i = 0; go_on; i++) {
    }
    _exit(5);
  }
  for (int i = 0; i < 3; i++) nanosleep(&MS(20000), NULL);
  _exit(6);
}

static int next_stop(pid_t pid) {
  int status = 0;
  MUST(waitpid(pid, &status, __WALL));
  return status;
}

static void attach_to_computing(void) {
  const pid_t child = start(1);
  MUST(ptrace(PTRACE_ATTACH, child, 0, 0));
  say("attached: stopped by %d", WSTOPSIG(next_stop(child)));
  MUST(ptrace(PTRACE_POKEDATA, child, &go_on, 0L));
  MUST(ptrace(PTRACE_DETACH, child, 0, 0));
  reap(child);
}

static void attach_to_sleeping(void) {
  const pid_t child = start(0);
  nanosleep(&MS(20), NULL);
  MUST(ptrace(PTRACE_ATTACH, child, 0, 0));
  say("attached: stopped by %d", WSTOPSIG(next_stop(child)));
  struct user_regs_struct registers;
  MUST(ptrace(PTRACE_GETREGS, child, 0, &registers));
  MUST(ptrace(PTRACE_DETACH, child, 0, SIGTERM));
  reap(child);
}

static void seize(void) {
  const pid_t child = start(0);
  MUST(ptrace(PTRACE_SEIZE, child, 0, PTRACE_O_TRACESYSGOOD));
  MUST(ptrace(PTRACE_INTERRUPT, child, 0, 0));
  int status = next_stop(child);
  say("interrupted: event %d, signal %d", status >> 16, WSTOPSIG(status));
  MUST(ptrace(PTRACE_CONT, child, 0, 0));
  MUST(kill(child, SIGSTOP));
  status = next_stop(child);
  say("signal: event %d, signal %d", status >> 16, WSTOPSIG(status));
  MUST(ptrace(PTRACE_CONT, child, 0, SIGSTOP));
  status = next_stop(child);
  say("group stop: event %d, signal %d", status >> 16, WSTOPSIG(status));
  MUST(ptrace(PTRACE_LISTEN, child, 0, 0));
  MUST(kill(child, SIGCONT));
  status = next_stop(child);
  say("its end: event %d, signal %d", status >> 16, WSTOPSIG(status));
  MUST(ptrace(PTRACE_CONT, child, 0, 0));
  status = next_stop(child);
  say("then: event %d, signal %d", status >> 16, WSTOPSIG(status));
  MUST(ptrace(PTRACE_CONT, child, 0, SIGCONT));
  MUST(kill(child, SIGKILL));
  reap(child);
}

// A grandchild: the kernel would tell its tracer of no such child.
static void attach_to_stranger(void) {
  int ends[2];
  MUST(pipe(ends));
  const pid_t middle = (pid_t)MUST(fork());
  if (middle == 0) {
    const pid_t grandchild = start(0);
    EXPECT(write(ends[1], &grandchild, sizeof grandchild) == sizeof grandchild);
    _exit(0);
  }
  pid_t stranger = 0;
  EXPECT(read(ends[0], &stranger, sizeof stranger) == sizeof stranger);
  reap(middle);
  MUST(ptrace(PTRACE_ATTACH, stranger, 0, 0));
  say("stranger: stopped by %d", WSTOPSIG(next_stop(stranger)));
  MUST(ptrace(PTRACE_CONT, stranger, 0, 0));
  int status = -1;
  say("nothing yet: %d", waitpid(stranger, &status, WNOHANG | __WALL));
  MUST(kill(stranger, SIGTERM));
  say("signal %d", WSTOPSIG(next_stop(stranger)));
  MUST(ptrace(PTRACE_CONT, stranger, 0, SIGTERM));
  status = next_stop(stranger);
  say("killed by %d", WTERMSIG(status));
}

int main(void) {
  attach_to_computing();
  attach_to_sleeping();
  seize();
  attach_to_stranger();
  errno = 0;
  say("no such tracee: %s", outcome(ptrace(PTRACE_CONT, getpid(), 0, 0)));
  say("itself: %s", outcome(ptrace(PTRACE_ATTACH, getpid(), 0, 0)));
  return 0;
}

// The children of a traced task are traced, too: by fork, vfork and clone; each tells of its exec and its
// end.
#include <pthread.h>
#include <signal.h>
#include <sys/ptrace.h>

#include "target.h"

static void* thread_body(void* unused) {
  (void)unused;
  syscall(SYS_umask, 022);
  return NULL;
}

static void run_child(void) {
  MUST(ptrace(PTRACE_TRACEME, 0, 0, 0));
  MUST(raise(SIGSTOP));
  pid_t forked = (pid_t)MUST(fork());
  if (forked == 0) _exit(1);
  MUST(waitpid(forked, NULL, 0));
  const pid_t vforked = vfork();
  if (vforked == 0) {
    execl("/bin/true", "true", (char*)NULL);
    _exit(99);
  }
  MUST(waitpid(vforked, NULL, 0));
  pthread_t thread;
  ZERO(pthread_create(&thread, NULL, thread_body, NULL));
  ZERO(pthread_join(thread, NULL));
  _exit(4);
}

static const char* name_of(int event) {
  static const char* const names[] = {"", "fork", "vfork", "clone", "exec", "vfork done", "exit"};
  return event < 7 ? names[event] : "?";
}

int main(void) {
  const pid_t child = (pid_t)MUST(fork());
  if (child == 0) run_child();
  int status = 0;
  MUST(waitpid(child, &status, 0));
  MUST(ptrace(PTRACE_SETOPTIONS, child, 0,
              PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |
                  PTRACE_O_TRACEVFORKDONE | PTRACE_O_TRACEEXIT));
  MUST(ptrace(PTRACE_CONT, child, 0, 0));
  pid_t who;
  int stops = 0, ends = 0, events[8] = {0};
  while ((who = waitpid(-1, &status, __WALL)) > 0) {
    if (!WIFSTOPPED(status)) {
      ends++;
      if (who == child) say("the child exited with %d", WEXITSTATUS(status));
      continue;
    }
    const int event = status >> 16;
    int deliver = 0;
    if (event != 0) {
      unsigned long message = 0;
      MUST(ptrace(PTRACE_GETEVENTMSG, who, 0, &message));
      events[event & 7]++;
      say("%d: %s, %s", who, name_of(event),
          event == PTRACE_EVENT_EXIT ? "a status"
          : message                  ? "a task"
                                     : "0");
    } else if (WSTOPSIG(status) == SIGSTOP) {
      stops++;  // a new task's first
    } else {
      deliver = WSTOPSIG(status);
      say("%d: signal %d", who, deliver);
    }
    MUST(ptrace(PTRACE_CONT, who, 0, deliver));
  }
  say("%d first stops, %d ends, %d exits told", stops, ends, events[PTRACE_EVENT_EXIT]);
  for (int event = 1; event < 6; event++) say("%s: %d", name_of(event), events[event]);
  return 0;
}

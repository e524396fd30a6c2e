// A child stops itself; its parent is told by SIGCHLD and lets it go on, and its SIGCONT handler runs.
#include <signal.h>

#include "target.h"

static void on_continue(int signal) { say("handler %d", signal); }

static void on_child(int signal, siginfo_t* info, void* context) {
  (void)context;
  say("SIGCHLD %d: code %d status %d", signal, info->si_code, info->si_status);
}

int main(void) {
  struct sigaction action = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO | SA_RESTART};
  MUST(sigaction(SIGCHLD, &action, NULL));
  pid_t child = (pid_t)MUST(fork());
  if (child == 0) {
    signal(SIGCONT, on_continue);
    raise(SIGSTOP);
    say("child goes on");
    _exit(14);
  }
  int status;
  MUST(waitpid(child, &status, WUNTRACED));
  say("stopped: %d", WIFSTOPPED(status));
  MUST(kill(child, SIGCONT));
  return WEXITSTATUS(reap(child));
}

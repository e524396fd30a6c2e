// Children by fork, vfork and posix_spawn in turn, each from code that makes many system calls.
#include <spawn.h>

#include "target.h"

extern char** environ;

static void be_busy(void) {
  for (int i = 0; i < 40; i++) getppid();
}

static void run(const char* program) {
  execl(program, program, (char*)NULL);
  _exit(98);
}

int main(void) {
  int sum = 0;
  be_busy();
  for (int i = 0; i < 24; i++) {
    pid_t child = 0;
    be_busy();
    if (i % 3 == 0) {
      child = MUST(fork());
      if (child == 0) {
        be_busy();
        _exit(i);
      }
    } else if (i % 3 == 1) {
      child = MUST(vfork());
      if (child == 0) run("/bin/true");
    } else {
      char* arguments[] = {"false", NULL};
      ZERO(posix_spawn(&child, "/bin/false", NULL, NULL, arguments, environ));
    }
    int status;
    MUST(waitpid(child, &status, 0));
    sum += WEXITSTATUS(status);
  }
  say("sum of the exit statuses: %d", sum);
  return 0;
}

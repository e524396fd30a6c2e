// Six children end in an order of their own; wait4 and waitid see them in that order.
#include <sys/resource.h>
#include <time.h>

#include "target.h"

int main(void) {
  for (int i = 0; i < 6; i++) {
    if (MUST(fork()) == 0) {
      struct timespec pause = MS((i * 7) % 6 * 2);
      nanosleep(&pause, NULL);
      _exit(10 + i);
    }
  }
  for (int i = 0; i < 3; i++) {
    int status;
    struct rusage usage;
    pid_t child = (pid_t)MUST(wait4(-1, &status, 0, &usage));
    say("wait4: %d ended with %#x, %ld faults", child, status, usage.ru_minflt);
  }
  for (int i = 0; i < 3; i++) {
    siginfo_t info = {0};
    MUST(waitid(P_ALL, 0, &info, WEXITED));
    say("waitid: %d code %d status %d uid %d", info.si_pid, info.si_code, info.si_status, info.si_uid);
  }
  int result = waitpid(-1, NULL, 0);
  say("then %d %s", result, strerror(errno));
  return 0;
}

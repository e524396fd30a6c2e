// An exec after giving up root: the new program belongs to another user than the recorder, where the recorder
// is root.
#include <fcntl.h>
#include <sys/resource.h>

#include "target.h"

int main(int argc, char** argv) {
  (void)argv;
  struct rlimit limit;
  MUST(getrlimit(RLIMIT_STACK, &limit));
  if (argc > 1) {
    say("now user %d, stack %d KiB", (int)geteuid(), (int)(limit.rlim_cur / 1024));
    EXPECT(limit.rlim_cur == 4 << 20);
    return 0;
  }
  limit.rlim_cur = 4 << 20;
  MUST(setrlimit(RLIMIT_STACK, &limit));
  const int program = (int)MUST(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  const uid_t nobody = 65534;
  say("setresuid: %s", outcome(setresuid(nobody, nobody, nobody)));
  char name[] = "exec_other_user", again[] = "again";
  char* arguments[] = {name, again, NULL};
  char* environment[] = {NULL};
  MUST(syscall(SYS_execveat, program, "", arguments, environment, AT_EMPTY_PATH));
  return 1;
}

// Descriptors are duplicated, given flags, closed in ranges and passed over exec.
#include <fcntl.h>

#include "target.h"

int main(int argc, char** argv) {
  if (argc > 1) {
    say("after exec: 10 %s, 11 %s", fcntl(10, F_GETFD) < 0 ? "closed" : "open",
        fcntl(11, F_GETFD) < 0 ? "closed" : "open");
    return 0;
  }
  int fd = (int)MUST(open("/dev/zero", O_RDONLY));
  say("opened %d, dup %ld, dup2 %ld, dup3 %ld", fd, MUST(dup(fd)), MUST(dup2(fd, 10)),
      MUST(dup3(fd, 11, O_CLOEXEC)));
  say("lowest from 20: %ld", MUST(fcntl(fd, F_DUPFD_CLOEXEC, 20)));
  say("flags %ld, status %#lx", MUST(fcntl(11, F_GETFD)), MUST(fcntl(10, F_GETFL)));
  MUST(fcntl(10, F_SETFL, O_NONBLOCK));
  say("shared status %#lx", MUST(fcntl(fd, F_GETFL)));
  say("close_range %ld", syscall(SYS_close_range, 15, 30, 0));
  say("20: %s", outcome(fcntl(20, F_GETFD)));
  MUST(execl("/proc/self/exe", argv[0], "again", (char*)NULL));
  return 1;
}

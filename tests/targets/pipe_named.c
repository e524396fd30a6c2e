// Opening a named pipe blocks until the other side opens it too.
#include <fcntl.h>
#include <sys/stat.h>

#include "target.h"

int main(void) {
  enter_scratch();
  MUST(mkfifo("fifo", 0600));
  pid_t child = (pid_t)MUST(fork());
  if (child == 0) {
    int fd = (int)MUST(open("fifo", O_WRONLY));
    dprintf(fd, "from %d", getpid());
    return 0;
  }
  int fd = (int)MUST(open("fifo", O_RDONLY));
  char text[64] = "";
  MUST(read(fd, text, sizeof text - 1));
  say("%s, then %zd", text, read(fd, text, 1));
  reap(child);
  MUST(unlink("fifo"));
  leave_scratch();
  return 0;
}

// Two processes append lines to one file; the order they got is read back.
#include <fcntl.h>

#include "target.h"

int main(void) {
  enter_scratch();
  int fd = (int)MUST(open("log", O_CREAT | O_RDWR | O_APPEND, 0600));
  pid_t child = (pid_t)MUST(fork());
  for (int i = 0; i < 10; i++) {
    char line[32];
    int size = snprintf(line, sizeof line, "%s %d\n", child ? "parent" : "child", i);
    MUST(write(fd, line, (size_t)size));
  }
  if (child == 0) _exit(0);
  reap(child);
  char text[512] = "";
  ssize_t size = MUST(pread(fd, text, sizeof text - 1, 0));
  say("%zd bytes:\n%s", size, text);
  MUST(unlink("log"));
  leave_scratch();
  return 0;
}

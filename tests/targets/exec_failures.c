// Failing execve calls answer their errors and leave the program running.
#include <fcntl.h>
#include <sys/stat.h>

#include "target.h"

static void attempt(const char* path) {
  char* arguments[] = {"x", NULL};
  int result = execve(path, arguments, arguments + 1);
  say("%s: %d %s", path, result, strerror(errno));
}

int main(void) {
  enter_scratch();
  int fd = (int)MUST(open("text", O_CREAT | O_WRONLY, 0755));
  MUST(write(fd, "no program\n", 11));
  close(fd);
  close((int)MUST(open("plain", O_CREAT | O_WRONLY, 0600)));
  attempt("missing");
  attempt("text");
  attempt("plain");
  attempt("plain/below");
  attempt(".");
  MUST(unlink("text"));
  MUST(unlink("plain"));
  leave_scratch();
  return 0;
}

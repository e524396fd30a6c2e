// fexecve executes an open file.
#include <fcntl.h>

#include "target.h"

int main(void) {
  int fd = (int)MUST(open("/bin/echo", O_RDONLY | O_CLOEXEC));
  char* arguments[] = {"echo", "through a descriptor", NULL};
  char* environment[] = {NULL};
  MUST(fexecve(fd, arguments, environment));
  return 1;
}

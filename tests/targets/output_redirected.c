// Standard output is moved to a file and back; only what went to the old one is seen.
#include <fcntl.h>

#include "target.h"

int main(void) {
  enter_scratch();
  say("before");
  int saved = (int)MUST(dup(1));
  int fd = (int)MUST(open("elsewhere", O_CREAT | O_RDWR, 0600));
  MUST(dup2(fd, 1));
  say("into the file");
  MUST(dup2(saved, 1));
  say("after");
  MUST(write(saved, "through the copy\n", 17));
  char text[64] = "";
  MUST(pread(fd, text, sizeof text - 1, 0));
  say("the file has: %s", text);
  MUST(unlink("elsewhere"));
  leave_scratch();
  return 0;
}

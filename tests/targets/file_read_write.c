// Reading, writing and seeking in a file, with short reads at its end and holes in it.
#include <fcntl.h>

#include "target.h"

int main(void) {
  enter_scratch();
  int fd = (int)MUST(open("file", O_CREAT | O_EXCL | O_RDWR, 0640));
  say("descriptor %d, again: %s", fd, outcome(open("file", O_CREAT | O_EXCL, 0600)));
  MUST(write(fd, "0123456789", 10));
  MUST(lseek(fd, 5000, SEEK_SET));
  MUST(write(fd, "end", 3));
  say("size %ld, hole at %ld, data at %ld", (long)lseek(fd, 0, SEEK_END), (long)lseek(fd, 0, SEEK_HOLE),
      (long)lseek(fd, 4096, SEEK_DATA));
  char text[32] = "", *volatile nowhere = (char*)8;
  say("pread %zd %s", pread(fd, text, 20, 4990), text + 10);
  MUST(lseek(fd, 4, SEEK_SET));
  ssize_t size = read(fd, text, 4);
  say("read %zd %.4s", size, text);
  MUST(pwrite(fd, "xx", 2, 6));
  MUST(ftruncate(fd, 9));
  MUST(lseek(fd, 0, SEEK_SET));
  memset(text, 0, sizeof text);
  size = read(fd, text, sizeof text);
  say("read %zd %s, then %zd", size, text, read(fd, text, sizeof text));
  say("bad descriptor: %s", outcome(read(77, text, 1)));
  say("bad address: %s", outcome(pread(fd, nowhere, 4, 0)));
  MUST(close(fd));
  MUST(unlink("file"));
  leave_scratch();
  return 0;
}

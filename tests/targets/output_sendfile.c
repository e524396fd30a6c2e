// sendfile, splice, tee and copy_file_range move data to standard output and between files.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "target.h"

int main(void) {
  int fd = (int)MUST(memfd_create("source", 0)), copy = (int)MUST(memfd_create("copy", 0)), ends[2], twin[2];
  const char text[] = "one line\nanother line\nthe last line\n";
  MUST(write(fd, text, sizeof text - 1));
  off_t from = 9;
  ssize_t size = sendfile(1, fd, &from, 13);
  say("sendfile %zd, offset now %ld", size, (long)from);
  off64_t in = 0, out = 100;
  size = MUST(copy_file_range(fd, &in, copy, &out, 20, 0));
  char back[32] = "";
  MUST(pread(copy, back, 8, 100));
  say("copy_file_range %zd: %s", size, back);
  MUST(pipe(ends));
  MUST(pipe(twin));
  in = 22;
  say("into the pipe %ld", MUST(splice(fd, &in, ends[1], NULL, 14, 0)));
  say("tee %ld", MUST(tee(ends[0], twin[1], 14, 0)));
  size = splice(ends[0], NULL, 1, NULL, 14, 0);
  say("splice to the output: %s", size == 14 ? "done" : strerror(errno));
  MUST(read(twin[0], back, 14));
  say("tee gave %.13s", back);
  struct iovec part = {"spliced from memory\n", 20};
  say("vmsplice %ld", MUST(vmsplice(ends[1], &part, 1, 0)));
  MUST(read(ends[0], back, 20));
  say("%.19s", back);
  return 0;
}

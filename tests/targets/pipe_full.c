// A writer fills a small pipe and blocks until the reader drains it.
#include <fcntl.h>

#include "target.h"

int main(void) {
  int ends[2];
  MUST(pipe(ends));
  say("pipe of %ld", MUST(fcntl(ends[1], F_SETPIPE_SZ, 4096)));
  pid_t child = (pid_t)MUST(fork());
  if (child == 0) {
    static char block[20000];
    memset(block, 'x', sizeof block);
    close(ends[0]);
    return write(ends[1], block, sizeof block) == sizeof block ? 0 : 1;
  }
  close(ends[1]);
  static char block[3000];
  long total = 0;
  for (ssize_t size; (size = read(ends[0], block, sizeof block)) > 0; total += size) say("read %zd", size);
  say("total %ld", total);
  return WEXITSTATUS(reap(child));
}

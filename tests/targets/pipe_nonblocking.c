// Non-blocking pipes answer EAGAIN when empty and when full; FIONREAD counts what is in them.
#include <fcntl.h>
#include <sys/ioctl.h>

#include "target.h"

int main(void) {
  int ends[2], count = -1;
  MUST(pipe2(ends, O_NONBLOCK | O_CLOEXEC));
  char block[1000] = "";
  say("empty: %s", outcome(read(ends[0], block, 10)));
  long written = 0;
  for (ssize_t size; (size = write(ends[1], block, sizeof block)) > 0;) written += size;
  say("full after %ld: %s", written, strerror(errno));
  MUST(ioctl(ends[0], FIONREAD, &count));
  say("FIONREAD %d", count);
  return 0;
}

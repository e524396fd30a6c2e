// Reads of all sizes from a file, through what fits into the agent's ring and what does not.
#include <fcntl.h>

#include "target.h"

int main(void) {
  char path[] = "/tmp/rec-sizes-XXXXXX";
  int fd = MUST(mkstemp(path));
  MUST(unlink(path));
  static unsigned char data[1 << 20], back[1 << 20];
  for (unsigned i = 0; i < sizeof data; i++) data[i] = (unsigned char)(i * 2654435761u >> 13);
  MUST(write(fd, data, sizeof data));
  unsigned long sum = 0;
  for (int size = 1; size <= 1 << 20; size = size * 3 / 2 + 1) {
    for (int i = 0; i < 4; i++) {
      long got = MUST(pread(fd, back, (size_t)size, i * 1000));
      for (long k = 0; k < got; k += 97) sum = sum * 31 + back[k];
    }
  }
  say("sum %lx", sum);
  return 0;
}

// Half a megabyte goes to standard output in writes of many sizes.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(void) {
  static char block[100000];
  unsigned seed = (unsigned)getpid();
  for (size_t i = 0; i < sizeof block; i++) {
    seed = seed * 1103515245 + 12345;
    block[i] = i % 80 == 79 ? '\n' : (char)('!' + (seed >> 16) % 90);
  }
  size_t sizes[] = {1, 17, 4096, 65536, 99999, 3};
  for (int round = 0; round < 3; round++)
    for (int i = 0; i < 6; i++)
      for (size_t at = 0; at < sizes[i];) {
        ssize_t written = write(1, block + at, sizes[i] - at);
        if (written <= 0) return 1;
        at += (size_t)written;
      }
  return 0;
}

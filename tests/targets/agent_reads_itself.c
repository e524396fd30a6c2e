// A program that looks at its own code and its own memory map after its system calls have become hot.
#include <fcntl.h>

#include "target.h"

static unsigned long checksum(const unsigned char* code, int size) {
  unsigned long sum = 5381;
  for (int i = 0; i < size; i++) sum = sum * 33 + code[i];
  return sum;
}

int main(void) {
  for (int i = 0; i < 100; i++) getppid();
  say("code of getppid: %lx", checksum((const unsigned char*)getppid, 16));
  char maps[4096];
  int fd = MUST(open("/proc/self/maps", O_RDONLY));
  unsigned long sum = 0;
  long total = 0;
  for (long got; (got = MUST(read(fd, maps, sizeof maps))) > 0; total += got) {
    sum += checksum((const unsigned char*)maps, (int)got);
  }
  say("memory map: %ld bytes, %lx", total, sum);
  return 0;
}

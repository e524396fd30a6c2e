// Makes and maps more shared objects, one after the other, than would fit in a replay that kept much room for
// each.
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void) {
  unsigned long sum = 0;
  for (int i = 0; i < 700; ++i) {
    const int fd = memfd_create("one of many", 0);
    if (fd < 0 || ftruncate(fd, 8192) != 0) return 1;
    unsigned* shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (shared == MAP_FAILED) return 2;
    shared[i] = (unsigned)i;
    unsigned word = 0;
    if (pread(fd, &word, sizeof word, 4L * i) != sizeof word) return 3;
    sum = sum * 31 + word + shared[2047 - i];
    munmap(shared, 8192);
    close(fd);
  }
  printf("%lu\n", sum);
  return 0;
}

// MADV_DONTNEED zeroes private memory and returns a private file mapping to the file's content.
#include <fcntl.h>
#include <sys/mman.h>

#include "target.h"

int main(void) {
  char* map = (char*)MUST(mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  memset(map, 'q', 16384);
  MUST(madvise(map + 4096, 8192, MADV_DONTNEED));
  say("%d %d %d %d", map[0], map[4096], map[12287], map[12288]);
  int fd = (int)MUST(memfd_create("content", 0));
  MUST(write(fd, "original", 9));
  char* file = (char*)MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
  strcpy(file, "changed!");
  say("%s", file);
  MUST(madvise(file, 4096, MADV_DONTNEED));
  say("%s", file);
  MUST(madvise(map, 4096, MADV_WILLNEED));
  say("odd: %s", outcome(madvise(map + 1, 4096, MADV_DONTNEED)));
  return 0;
}

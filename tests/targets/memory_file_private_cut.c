// A private mapping of a file that the program goes on writing to and cutting off: pages behind the end are
// gone, even if they were written to; what was not written to shows the file's new content.
#include <fcntl.h>
#include <sys/mman.h>

#include "target.h"

enum { page = 4096 };

static void show(const char* when, const char* memory) {
  say("%s: '%.7s' '%.7s' '%.7s'", when, memory, memory + page, memory + 2 * page);
}

int main(void) {
  const int fd = (int)MUST(memfd_create("file", 0));
  MUST(ftruncate(fd, 3 * page));
  MUST(pwrite(fd, "first", 5, 0));
  MUST(pwrite(fd, "second", 6, page));
  MUST(pwrite(fd, "third", 5, 2 * page));
  char* memory = (char*)MUST(mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
  show("mapped", memory);
  strcpy(memory + page, "own 2");
  strcpy(memory + 2 * page, "own 3");
  show("written to", memory);
  MUST(pwrite(fd, "FIRST", 5, 0));
  MUST(pwrite(fd, "SECOND", 6, page));
  show("file written to", memory);
  MUST(ftruncate(fd, page));
  MUST(ftruncate(fd, 3 * page));
  show("cut off and grown", memory);
  strcpy(memory + page, "own 2b");
  MUST(pwrite(fd, "THIRD", 5, 2 * page));
  show("written again", memory);
  MUST(ftruncate(fd, 2));
  say("cut in the page: '%.7s'", memory);
  MUST(ftruncate(fd, 2 * page));
  say("grown: '%.7s' '%.7s'", memory, memory + page);
  MUST(munmap(memory, 3 * page));
  return 0;
}

// A mapped file that is cut off and grows again holds zeros there, not what it held before.
#include <fcntl.h>
#include <sys/mman.h>

#include "target.h"

enum { page = 4096, pages = 5 };

static void show(const char* when, const char* memory) {
  say("%s: '%.9s' '%.9s' '%.9s' '%.9s'", when, memory, memory + page, memory + 2 * page, memory + 3 * page);
}

int main(void) {
  enter_scratch();
  const int fd = (int)MUST(open("file", O_RDWR | O_CREAT | O_EXCL, 0600));
  MUST(ftruncate(fd, pages * page));
  char* memory = (char*)MUST(mmap(NULL, pages * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  for (int i = 0; i < pages; ++i) sprintf(memory + i * page, "stored %d", i);
  show("stored", memory);
  MUST(ftruncate(fd, page + 6));
  MUST(ftruncate(fd, pages * page));
  show("cut off and grown", memory);
  for (int i = 0; i < pages; ++i) sprintf(memory + i * page, "again %d", i);
  const pid_t child = (pid_t)MUST(fork());
  if (child == 0) {
    MUST(ftruncate(fd, page));
    MUST(ftruncate(fd, 4 * page));
    _exit(0);
  }
  reap(child);
  show("the same by a child", memory);
  MUST(unlink("file"));
  leave_scratch();
  return 0;
}

// A file that is mapped as the dynamic loader maps libraries, and then changed all the same: the mapping
// shows what it had before, and then what it has.
#include <fcntl.h>
#include <sys/mman.h>

#include "target.h"

enum { size = 24 << 20, page = 4096 };

int main(void) {
  enter_scratch();
  int fd = (int)MUST(open("file", O_CREAT | O_RDWR, 0600));
  char* bytes = malloc(size);
  unsigned seed = 1;
  for (int i = 0; i < size; i++) bytes[i] = (char)((seed = seed * 1664525 + 1013904223) >> 24);
  for (int done = 0; done < size;) done += (int)MUST(write(fd, bytes + done, size - done));
  sleep(3);  // until nobody can have written to it since it was looked at
  const char* map = (const char*)MUST(mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_DENYWRITE, fd, 0));
  const char last = map[size - 1];
  MUST(pwrite(fd, "changed", 8, size - page));
  say("%s at first, then: %s", last == bytes[size - 1] ? "as it was" : "not as it was", map + size - page);
  MUST(ftruncate(fd, 3 * page));
  say("cut off: %s", map[3 * page - 1] == bytes[3 * page - 1] ? "the rest is as it was" : "not as it was");
  MUST(unlink("file"));
  leave_scratch();
  return 0;
}

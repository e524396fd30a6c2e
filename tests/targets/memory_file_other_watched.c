// A process waits for what another one writes to a file, by looking at its own read-only mappings of it; the
// other one has opened the file before it was mapped, and does not map it.
#include <fcntl.h>
#include <sys/mman.h>

#include "target.h"

enum { rounds = 5, page = 4096 };

int main(void) {
  enter_scratch();
  int ready[2];
  MUST(pipe(ready));
  const int fd = (int)MUST(open("file", O_RDWR | O_CREAT | O_EXCL, 0600));
  MUST(ftruncate(fd, 2 * page));
  const pid_t child = (pid_t)MUST(fork());
  if (child == 0) {
    MUST(pwrite(fd, "-", 1, page));
    char byte = 0;
    EXPECT(read(ready[0], &byte, 1) == 1);
    for (int i = 1; i <= rounds; ++i) {
      char what = (char)('0' + i);
      MUST(pwrite(fd, &what, 1, 0));
      usleep(2000);
    }
    _exit(0);
  }
  MUST(close(fd));
  const int reader = (int)MUST(open("file", O_RDONLY));
  const volatile char* shared = mmap(NULL, 2 * page, PROT_READ, MAP_SHARED, reader, 0);
  const volatile char* private = mmap(NULL, 2 * page, PROT_READ, MAP_PRIVATE, reader, 0);
  EXPECT(shared != MAP_FAILED && private != MAP_FAILED);
  MUST(write(ready[1], "x", 1));
  unsigned long looks = 0;
  for (int i = 1; i <= rounds;) {
    ++looks;
    const volatile char* seen = i % 2 == 0 ? private : shared;
    if (*seen < '0' + i) continue;
    say("after %lu looks: %c", looks, *seen);
    i = *seen - '0' + 1;
  }
  reap(child);
  MUST(unlink("file"));
  leave_scratch();
  return 0;
}

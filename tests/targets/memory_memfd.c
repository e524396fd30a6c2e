// A sealed memfd is mapped, inherited by a child and refuses to be written.
#include <fcntl.h>
#include <sys/mman.h>

#include "target.h"

int main(void) {
  int fd = (int)MUST(memfd_create("sealed", MFD_ALLOW_SEALING | MFD_CLOEXEC));
  MUST(ftruncate(fd, 10000));
  MUST(pwrite(fd, "content", 8, 9000));
  MUST(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE));
  say("seals %#lx, write: %s", MUST(fcntl(fd, F_GET_SEALS)), outcome(write(fd, "x", 1)));
  char* map = (char*)MUST(mmap(NULL, 10000, PROT_READ, MAP_SHARED, fd, 0));
  pid_t child = (pid_t)MUST(fork());
  if (child == 0) {
    say("child reads %s", map + 9000);
    return 0;
  }
  reap(child);
  char name[64] = "";
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  MUST(readlink(path, name, sizeof name - 1));
  say("%s", name);
  return 0;
}

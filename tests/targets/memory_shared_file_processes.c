// Two processes map the same file independently and exchange bytes through it, ordered by pipes.
#include <fcntl.h>
#include <sys/mman.h>

#include "target.h"

static char* map_file(void) {
  int fd = (int)MUST(open("file", O_RDWR));
  char* map = (char*)MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  close(fd);
  return map;
}

int main(void) {
  enter_scratch();
  int fd = (int)MUST(open("file", O_CREAT | O_RDWR, 0600)), ends[2];
  char byte = 0;
  MUST(ftruncate(fd, 4096));
  MUST(pipe(ends));
  pid_t child = (pid_t)MUST(fork());
  char* map = map_file();
  if (child == 0) {
    snprintf(map, 4096, "written by %d", getpid());
    MUST(write(ends[1], &byte, 1));
    return 0;
  }
  MUST(read(ends[0], &byte, 1));
  say("parent reads: %s", map);
  reap(child);
  MUST(unlink("file"));
  leave_scratch();
  return 0;
}

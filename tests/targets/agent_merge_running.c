// Two processes map the same file shared while the other one is busy, or blocked, in system calls of its own.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "target.h"

static int* map_counter(const char* path) {
  int fd = MUST(open(path, O_RDWR | O_CREAT, 0600));
  ZERO(ftruncate(fd, 4096));
  int* counter = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (counter == MAP_FAILED) abort();
  close(fd);
  return counter;
}

static void be_busy(int calls) {
  for (int i = 0; i < calls; i++) getppid();
}

int main(void) {
  char path[] = "/tmp/rec-merge-XXXXXX";
  int wake[2];
  close(MUST(mkstemp(path)));
  MUST(pipe(wake));
  pid_t child = MUST(fork());
  if (child == 0) {
    int* counter = map_counter(path);
    be_busy(3000);
    char byte;
    MUST(read(wake[0], &byte, 1));  // blocked while the parent maps it, too
    for (int i = 0; i < 100; i++) __sync_fetch_and_add(counter, 1);
    be_busy(100);
    _exit(7);
  }
  be_busy(500);
  usleep(30000);
  int* counter = map_counter(path);
  for (int i = 0; i < 100; i++) __sync_fetch_and_add(counter, 1);
  MUST(write(wake[1], "x", 1));
  int status;
  MUST(waitpid(child, &status, 0));
  say("counter %d, child %d", *counter, WEXITSTATUS(status));
  MUST(unlink(path));
  return 0;
}

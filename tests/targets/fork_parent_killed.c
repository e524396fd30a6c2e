// A process is killed alone while it forks: the child that it may have made already goes on without it.
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

#include "target.h"

enum { rounds = 40, size = 16 << 20 };

static void forks_for_ever(int out) {
  char* memory = (char*)MUST(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  memset(memory, 1, size);  // a fork takes its time
  for (;;) {
    MUST(write(out, "p", 1));
    const pid_t child = fork();
    if (child == 0) {
      EXPECT(memory[size - 1] == 1);
      MUST(write(out, "c", 1));
      _exit(0);
    }
    if (child > 0) waitpid(child, NULL, 0);
  }
}

int main(void) {
  MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
  for (int i = 0; i < rounds; i++) {
    int ends[2];
    MUST(pipe(ends));
    const pid_t parent = (pid_t)MUST(fork());
    if (parent == 0) {
      close(ends[0]);
      forks_for_ever(ends[1]);
    }
    close(ends[1]);
    char byte = 0;
    MUST(read(ends[0], &byte, 1));
    nanosleep(&(struct timespec){0, i % 20 * 100000}, NULL);
    MUST(kill(parent, SIGKILL));
    // Until all that have the other end are gone.
    while (read(ends[0], &byte, 1) > 0) {
    }
    close(ends[0]);
    while (wait(NULL) > 0) {
    }
  }
  say("%d killed", rounds);
  return 0;
}

// A child that is stopped and continued at whatever it is doing, beginning with its first calls, goes on as
// if nothing had been.
#include <signal.h>
#include <sys/mman.h>

#include "target.h"

static int work(int number) {
  int sum = number;
  for (int i = 0; i < 60; i++) {
    char* page = (char*)MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    *page = (char)i;
    sum += *page + (getppid() > 0);
    MUST(munmap(page, 4096));
  }
  return sum % 100;
}

int main(void) {
  int sum = 0;
  for (int number = 0; number < 60; number++) {
    const pid_t child = (pid_t)MUST(fork());
    if (child == 0) _exit(work(number));
    for (int i = 0; i < 12; i++) {
      MUST(kill(child, SIGSTOP));
      if (i % 2 == 0) usleep(100);
      MUST(kill(child, SIGCONT));
    }
    int status = 0;
    MUST(waitpid(child, &status, 0));
    EXPECT(WIFEXITED(status));
    sum += WEXITSTATUS(status);
  }
  say("sum %d", sum);
  return 0;
}

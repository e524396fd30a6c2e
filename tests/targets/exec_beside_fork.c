// Two workers have children execute this program anew, two others make children that only make calls: while
// one executes, others begin.
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static long make_calls(int rounds) {
  long sum = 0;
  for (int i = 0; i < rounds; ++i) sum += getpid() + syscall(SYS_getppid) + (long)syscall(SYS_getuid);
  return sum;
}

static int work(int worker, const char* self) {
  enum { at_once = 4 };
  int failed = 0;
  for (int i = 0; i < 12; ++i) {
    for (int j = 0; j < at_once; ++j) {
      const pid_t child = fork();
      if (child < 0) ++failed;
      if (child != 0) continue;
      (void)make_calls(20);
      if (worker % 2 == 0) execl(self, self, "again", (char*)NULL);
      _exit(7);
    }
    for (int j = 0; j < at_once; ++j) {
      int status = 0;
      if (wait(&status) < 0 || status != 7 << 8) ++failed;
    }
  }
  return failed;
}

int main(int argc, char** argv) {
  enum { workers = 4 };
  (void)make_calls(40);
  if (argc > 1) return 7;
  pid_t pids[workers];
  for (int i = 0; i < workers; ++i) {
    pids[i] = fork();
    if (pids[i] == 0) _exit(work(i, argv[0]));
  }
  int failed = 0;
  for (int i = 0; i < workers; ++i) {
    int status = 0;
    if (waitpid(pids[i], &status, 0) != pids[i] || status != 0) ++failed;
  }
  printf("workers that failed: %d\n", failed);
  return failed;
}

// Pages around a process's mappings that are not its own: each read faults, or does not, as it did when it
// was recorded. The processes share memory, so that one waits in calls while the other runs.
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

#include "target.h"

static sigjmp_buf back;

static void on_fault(int signal) {
  (void)signal;
  siglongjmp(back, 1);
}

static int is_readable(const volatile char* at) {
  if (sigsetjmp(back, 1) != 0) return 0;
  (void)*at;
  return 1;
}

// Up to 1 MiB below and above.
static void look_around(const char* who, char* at) {
  enum { step = 1 << 15, steps = 32 };
  char seen[2 * steps + 1] = "";
  for (int i = -steps; i < steps; ++i) seen[i + steps] = is_readable(at + i * step) ? 'x' : '.';
  say("%s: %s", who, seen);
}

int main(void) {
  struct sigaction action = {.sa_handler = on_fault};
  MUST(sigaction(SIGSEGV, &action, NULL));
  MUST(sigaction(SIGBUS, &action, NULL));
  char* shared = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  EXPECT(shared != MAP_FAILED);
  int ends[2];
  MUST(pipe(ends));
  pid_t child = (pid_t)MUST(fork());
  if (child == 0) {
    look_around("child", shared);
    shared[0] = 'y';
    MUST(write(ends[1], "x", 1));
    _exit(0);
  }
  char byte = 0;
  EXPECT(read(ends[0], &byte, 1) == 1);
  say("%c %c", byte, shared[0]);
  look_around("parent", shared);
  reap(child);
  return 0;
}

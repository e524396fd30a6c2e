// A program that ran a moment ago, and whose file is written over as soon as it has ended: what ran is what
// it held before.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "target.h"

enum { size = 24 << 20 };

static void copy_file(const char* from, const char* to) {
  char bytes[1 << 16];
  int in = (int)MUST(open(from, O_RDONLY)), out = (int)MUST(open(to, O_CREAT | O_WRONLY, 0700));
  for (long got; (got = MUST(read(in, bytes, sizeof bytes))) > 0;) MUST(write(out, bytes, got));
  MUST(close(in));
  MUST(close(out));
}

int main(int argc, char** argv) {
  if (argc > 1) {
    say("running as %s", argv[1]);
    return 0;
  }
  enter_scratch();
  copy_file("/proc/self/exe", "program");
  int file = (int)MUST(open("noise", O_CREAT | O_RDWR, 0600));
  char* bytes = malloc(size);
  unsigned seed = 1;
  for (int i = 0; i < size; i++) bytes[i] = (char)((seed = seed * 1664525 + 1013904223) >> 24);
  for (int done = 0; done < size;) done += (int)MUST(write(file, bytes + done, size - done));
  sleep(3);  // until nobody can have written to the program since it was looked at
  for (int done = 0; done < size;) done += (int)MUST(pread(file, bytes + done, 1 << 17, done));
  pid_t child = (pid_t)MUST(fork());
  if (child == 0) {
    execl("./program", "program", "what it was", NULL);
    _exit(1);
  }
  int status;
  MUST(waitpid(child, &status, 0));
  int program = (int)MUST(open("program", O_WRONLY | O_TRUNC));
  MUST(write(program, "overwritten", 11));
  say("ended with %d", status);
  MUST(unlink("program"));
  MUST(unlink("noise"));
  leave_scratch();
  return 0;
}

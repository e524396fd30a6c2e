// Processes that print line by line are killed from outside, crash, and end in the midst of it; so does the
// first one.
#include <signal.h>

#include "target.h"

static void print_lines(const char* who, int count) {
  for (int i = 0; i < count; ++i) say("%s %d", who, i);
}

int main(void) {
  int there[2];
  MUST(pipe(there));
  pid_t child = (pid_t)MUST(fork());
  if (child == 0) {
    print_lines("killed", 200);
    MUST(write(there[1], "x", 1));
    for (int i = 200; i < 50000; ++i) say("killed %d", i);
    pause();
  }
  char byte = 0;
  MUST(read(there[0], &byte, 1));
  usleep(1000);
  MUST(kill(child, SIGKILL));
  reap(child);
  child = (pid_t)MUST(fork());
  if (child == 0) {
    print_lines("aborts", 300);
    signal(SIGABRT, SIG_DFL);
    abort();
  }
  reap(child);
  child = (pid_t)MUST(fork());
  if (child == 0) {
    print_lines("ends", 300);
    _exit(7);
  }
  reap(child);
  print_lines("crashes", 1000);
  int* volatile nowhere = NULL;
  return *nowhere;
}

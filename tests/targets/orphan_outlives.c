// A child writes after the first process is gone.
#include <poll.h>

#include "target.h"

int main(void) {
  int ends[2];
  MUST(pipe(ends));
  if (MUST(fork()) == 0) {
    close(ends[1]);
    char byte;
    ssize_t result = read(ends[0], &byte, 1);  // the end of file comes when the parent is gone
    say("parent is gone (%zd), %d writes on", result, getpid());
    return 1;
  }
  say("parent %d leaves", getpid());
  return 21;
}

// Writing to a pipe without readers kills by SIGPIPE.
#include "target.h"

int main(void) {
  int ends[2];
  MUST(pipe(ends));
  close(ends[0]);
  say("about to write");
  ssize_t result = write(ends[1], "x", 1);
  say("not reached: %zd", result);
  return 1;
}

// Writing to a closed standard output fails with EBADF.
#include "target.h"

int main(void) {
  say("last line");
  MUST(close(1));
  ssize_t result = write(1, "lost\n", 5);
  dprintf(2, "%zd %s\n", result, strerror(errno));
  return 0;
}

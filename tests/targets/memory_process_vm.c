// A parent reads and, where it may, writes its child's memory with process_vm_readv and process_vm_writev.
#include <sys/prctl.h>
#include <sys/uio.h>

#include "target.h"

int main(void) {
  static char cell[64] = "before the fork";
  int ends[2], ready[2];
  MUST(pipe(ends));
  MUST(pipe(ready));
  pid_t child = (pid_t)MUST(fork());
  char byte = 0;
  if (child == 0) {
    close(ends[1]);
    snprintf(cell, sizeof cell, "child %d", getpid());
    MUST(write(ready[1], &byte, 1));
    MUST(read(ends[0], &byte, 1));
    say("child now has: %s", cell);
    return 0;
  }
  MUST(read(ready[0], &byte, 1));
  char copy[64] = "";
  struct iovec local = {copy, sizeof copy}, remote = {cell, sizeof cell};
  say("read %ld: %s", MUST(process_vm_readv(child, &local, 1, &remote, 1, 0)), copy);
  strcpy(copy, "from the parent");
  say("written %s", outcome(process_vm_writev(child, &local, 1, &remote, 1, 0)));
  MUST(write(ends[1], &byte, 1));
  reap(child);
  return 0;
}

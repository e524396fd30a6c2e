// Parent and child write to shared anonymous memory in turns that two pipes order.
#include <sys/mman.h>

#include "target.h"

int main(void) {
  int* cells = (int*)MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  int there[2], back[2];
  char byte = 0;
  MUST(pipe(there));
  MUST(pipe(back));
  pid_t child = (pid_t)MUST(fork());
  for (int i = 0; i < 10; i++) {
    if (child == 0) {
      MUST(read(there[0], &byte, 1));
      cells[i] = cells[0] * 2 + getpid();
      cells[0] += i;
      MUST(write(back[1], &byte, 1));
    } else {
      cells[0] += getpid() + i;
      MUST(write(there[1], &byte, 1));
      MUST(read(back[0], &byte, 1));
    }
  }
  if (child == 0) _exit(0);
  for (int i = 0; i < 10; i += 3) say("cell %d: %d", i, cells[i]);
  reap(child);
  return 0;
}

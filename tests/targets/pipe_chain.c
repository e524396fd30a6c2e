// Data flows through a chain of four processes, each adding one to every byte.
#include "target.h"

int main(void) {
  int input[2];
  MUST(pipe(input));
  int from = input[0];
  for (int i = 0; i < 4; i++) {
    int next[2];
    MUST(pipe(next));
    if (MUST(fork()) == 0) {
      close(input[1]);
      close(next[0]);
      char block[100];
      for (ssize_t size; (size = read(from, block, sizeof block)) > 0;) {
        for (ssize_t k = 0; k < size; k++) block[k]++;
        MUST(write(next[1], block, (size_t)size));
      }
      return 0;
    }
    close(from);
    close(next[1]);
    from = next[0];
  }
  for (int i = 0; i < 50; i++) MUST(write(input[1], "ABCDEFGHIJ", 10));
  close(input[1]);
  char block[64];
  unsigned sum = 0, reads = 0;
  for (ssize_t size; (size = read(from, block, sizeof block)) > 0; reads++)
    for (ssize_t k = 0; k < size; k++) sum = sum * 31 + (unsigned char)block[k];
  say("sum %08x in %u reads", sum, reads);
  for (int i = 0; i < 4; i++) MUST(wait(NULL));
  return 0;
}

// Parent and child write the same private page after a fork and each sees its own bytes.
#include "target.h"

int main(void) {
  static int cell = 1;
  int* heap = malloc(sizeof *heap);
  *heap = 10;
  pid_t child = (pid_t)MUST(fork());
  cell += child == 0 ? 1 : 2;
  *heap += child == 0 ? 1 : 2;
  if (child != 0) reap(child);
  say("%s: cell %d at %p, heap %d at %p", child == 0 ? "child" : "parent", cell, (void*)&cell, *heap,
      (void*)heap);
  free(heap);
  return 0;
}

// A static program that may be loaded anywhere shows where it was loaded.
#include <time.h>

#include "target.h"

static int data = 1;

int main(void) {
  int* heap = malloc(sizeof *heap);
  say("main %p, data %p, heap %p, stack %p", (void*)(intptr_t)main, (void*)&data, (void*)heap, (void*)&heap);
  say("%ld", (long)time(NULL));
  pid_t child = (pid_t)MUST(fork());
  if (child == 0) _exit(19);
  free(heap);
  return WEXITSTATUS(reap(child));
}

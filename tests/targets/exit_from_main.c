// Returning from main runs the exit handlers and flushes stdio.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void farewell(void) { printf("exit handler of %d\n", getpid()); }

int main(void) {
  atexit(farewell);
  printf("buffered until the end");
  return 42;
}

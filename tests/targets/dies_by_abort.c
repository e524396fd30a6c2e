// abort kills the program by SIGABRT and leaves buffered output unwritten.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(void) {
  fprintf(stderr, "%d gives up\n", getpid());
  printf("never written");
  abort();
}

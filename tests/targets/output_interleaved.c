// Standard output and standard error take turns, buffered, unbuffered and through the descriptors.
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

int main(void) {
  for (int i = 0; i < 5; i++) {
    printf("out %d, ", i);
    if (i % 2) fflush(stdout);
    fprintf(stderr, "err %d of %d\n", i, getpid());
  }
  puts("");
  fflush(stdout);
  struct iovec parts[2] = {{"gathered ", 9}, {"pieces\n", 7}};
  if (writev(2, parts, 2) != 16 || write(1, "bare\n", 5) != 5) return 1;
  fputs("no newline at the end", stdout);
  return 0;
}

// Standard input is read by lines, and its bytes decide what is printed.
#include <stdio.h>
#include <unistd.h>

int main(void) {
  char line[128];
  unsigned sum = 0, count = 0;
  while (fgets(line, sizeof line, stdin)) {
    for (char* c = line; *c; c++) sum = sum * 31 + (unsigned char)*c;
    printf("%u: %s", ++count, line);
  }
  printf("%u lines, %08x, at its end %d, terminal %d\n", count, sum, feof(stdin), isatty(0));
  return (int)count;
}

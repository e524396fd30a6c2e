// Code written at run time into executable memory runs, is changed and runs again.
#include <sys/mman.h>

#include "target.h"

int main(void) {
  unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3};  // mov $42, %eax; ret
  unsigned char* map = (unsigned char*)MUST(
      mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  int sum = 0;
  for (int i = 0; i < 5; i++) {
    code[1] = (unsigned char)(10 + i);
    memcpy(map, code, sizeof code);
    int (*function)(void) = (int (*)(void))map;
    sum += function();
  }
  MUST(mprotect(map, 4096, PROT_READ | PROT_EXEC));
  sum += ((int (*)(void))map)();
  say("sum %d", sum);
  return sum;
}

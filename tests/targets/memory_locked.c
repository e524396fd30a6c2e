// Locked and resident pages: mlock, mincore and munlock.
#include <sys/mman.h>

#include "target.h"

int main(void) {
  char* map = (char*)MUST(mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  unsigned char present[8];
  map[2 * 4096] = 1;
  MUST(mlock(map + 5 * 4096, 4096));
  MUST(mincore(map, 8 * 4096, present));
  for (int i = 0; i < 8; i++) present[i] = (unsigned char)('0' + (present[i] & 1));
  say("resident %.8s", (char*)present);
  MUST(munlock(map + 5 * 4096, 4096));
  return 0;
}

// munmap in the middle of a mapping leaves two parts; the hole is filled again by a fixed mapping.
#include <sys/mman.h>

#include "target.h"

int main(void) {
  int access = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS;
  char* map = (char*)MUST(mmap(NULL, 8 * 4096, access, flags, -1, 0));
  memset(map, 'm', 8 * 4096);
  MUST(munmap(map + 2 * 4096, 3 * 4096));
  unsigned char present[8] = {0};
  say("mincore over the hole: %s", outcome(mincore(map, 8 * 4096, present)));
  char* filled = (char*)MUST(mmap(map + 3 * 4096, 4096, access, flags | MAP_FIXED, -1, 0));
  say("at the asked place: %d, content %d, around %c %c", filled == map + 3 * 4096, filled[0], map[4096],
      map[5 * 4096]);
  say("taken: %s", outcome((long)mmap(map, 4096, access, flags | MAP_FIXED_NOREPLACE, -1, 0)));
  char* over = (char*)MUST(mmap(map, 4096, access, flags | MAP_FIXED, -1, 0));
  say("mapped over: %d, next page %c", over[0], over[4096]);
  return 0;
}

// mremap grows, moves to a fixed place and shrinks a mapping, which keeps its content.
#include <sys/mman.h>

#include "target.h"

int main(void) {
  char* map = (char*)MUST(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  strcpy(map + 4000, "kept");
  char* grown = (char*)MUST(mremap(map, 8192, 1 << 20, MREMAP_MAYMOVE));
  say("%p grew at %p: %s %d", (void*)map, (void*)grown, grown + 4000, grown[100000]);
  char* room = (char*)MUST(mmap(NULL, 2 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  char* moved = (char*)MUST(mremap(grown, 1 << 20, 1 << 20, MREMAP_MAYMOVE | MREMAP_FIXED, room + 65536));
  say("moved to %p, as asked %d: %s", (void*)moved, moved == room + 65536, moved + 4000);
  char* shrunk = (char*)MUST(mremap(moved, 1 << 20, 8192, 0));
  say("shrunk: %s", shrunk + 4000);
  say("not in place: %s", outcome((long)mremap(shrunk, 8192, 64UL << 40, 0)));
  return 0;
}

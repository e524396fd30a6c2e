// Anonymous mappings lie where the kernel put them and hold what was written.
#include <sys/mman.h>

#include "target.h"

int main(void) {
  size_t sizes[] = {4096, 65536, 1 << 20, 3 << 20};
  for (int i = 0; i < 4; i++) {
    char* map = (char*)MUST(mmap(NULL, sizes[i], PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    unsigned sum = 0;
    for (size_t at = 0; at < sizes[i]; at += 4096) map[at] = (char)(at / 4096 + i);
    for (size_t at = 0; at < sizes[i]; at += 512) sum = sum * 33 + (unsigned char)map[at];
    say("%zu at %p: %08x", sizes[i], (void*)map, sum);
    if (i == 1) MUST(munmap(map, sizes[i]));
  }
  return 0;
}

// Large malloc, calloc and realloc areas are zero where promised and keep their content when they move.
#include <malloc.h>

#include "target.h"

int main(void) {
  char* area[20];
  for (int i = 0; i < 20; i++) {
    size_t size = (size_t)1000 << (i % 13);
    area[i] = i % 2 ? malloc(size) : calloc(1, size);
    if (i % 2 == 0 && (area[i][0] || area[i][size - 1])) return 1;
    memset(area[i], i, size);
  }
  for (int i = 0; i < 20; i++) {
    area[i] = realloc(area[i], (size_t)3000 << (i % 12));
    if (area[i][999] != i) return 2;
    if (i % 5 == 0) say("area %d at %p", i, (void*)area[i]);
  }
  for (int i = 0; i < 20; i++) free(area[i]);
  malloc_trim(0);
  char* large = malloc(64 << 20);
  large[0] = large[(64 << 20) - 1] = 7;
  say("64 MiB at %p", (void*)large);
  free(large);
  return 0;
}

// One thread frees what the other one is still looking at.
#include <string.h>

#include "race.h"

static char* volatile shared;

static void* release(void* unused) {
  char* mine = shared;
  shared = NULL;
  memset(mine, 'x', 15);  // as an allocator would use it again
  return unused;
}

int main(void) {
  static char text[16] = "aaaaaaaaaaaaaaa";
  shared = text;
  pthread_t other = race_thread(release, NULL);
  char* seen = shared;
  if (seen != NULL) {
    char first = *(volatile char*)&seen[0];
    char last = *(volatile char*)&seen[14];
    race_check(first == 'a' && last == 'a', "freed memory was read");
  }
  pthread_join(other, NULL);
  return 0;
}

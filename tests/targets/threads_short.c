// Sixty-four short threads, sixteen at a time, each leave their id behind.
#include <pthread.h>

#include "target.h"

static void* leave_id(void* place) {
  *(long*)place = syscall(SYS_gettid);
  return place;
}

int main(void) {
  static long ids[64];
  pthread_t threads[64];
  for (int group = 0; group < 64; group += 16) {
    for (int i = group; i < group + 16; i++) ZERO(pthread_create(&threads[i], NULL, leave_id, &ids[i]));
    for (int i = group; i < group + 16; i++) ZERO(pthread_join(threads[i], NULL));
  }
  for (int i = 0; i < 64; i += 8)
    say("%ld %ld %ld %ld %ld %ld %ld %ld", ids[i], ids[i + 1], ids[i + 2], ids[i + 3], ids[i + 4], ids[i + 5],
        ids[i + 6], ids[i + 7]);
  return 0;
}

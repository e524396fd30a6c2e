// Eight threads without locks append their letters with one atomic index, with a call after each letter.
#include <pthread.h>
#include <stdatomic.h>

#include "target.h"

static char order[8 * 12 + 1];
static atomic_int next_place;

static void* append(void* number) {
  for (int i = 0; i < 12; i++) {
    order[atomic_fetch_add(&next_place, 1)] = (char)('a' + (intptr_t)number);
    syscall(i % 2 ? SYS_getppid : SYS_sched_yield);
  }
  return NULL;
}

int main(void) {
  pthread_t threads[8];
  for (intptr_t i = 0; i < 8; i++) ZERO(pthread_create(&threads[i], NULL, append, (void*)i));
  for (int i = 0; i < 8; i++) ZERO(pthread_join(threads[i], NULL));
  say("%s", order);
  return next_place == 96 ? 0 : 1;
}

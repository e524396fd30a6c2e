// The futex call itself: wrong value, timeouts relative and absolute, bitsets, wake and requeue.
#include <linux/futex.h>
#include <pthread.h>
#include <time.h>

#include "target.h"

static unsigned word, other, ready;

static long futex(unsigned* at, int operation, unsigned value, const void* fourth, unsigned* second,
                  unsigned third) {
  return syscall(SYS_futex, at, operation, value, fourth, second, third);
}

static void* wait_on_word(void* unused) {
  __atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
  futex(&ready, FUTEX_WAKE, 1, NULL, NULL, 0);
  while (__atomic_load_n(&word, __ATOMIC_SEQ_CST) == 0) futex(&word, FUTEX_WAIT, 0, NULL, NULL, 0);
  return unused;
}

int main(void) {
  struct timespec pause = MS(5), when;
  say("wrong value: %s", outcome(futex(&word, FUTEX_WAIT, 1, NULL, NULL, 0)));
  say("timeout: %s", outcome(futex(&word, FUTEX_WAIT_PRIVATE, 0, &pause, NULL, 0)));
  MUST(clock_gettime(CLOCK_MONOTONIC, &when));
  say("past: %s", outcome(futex(&word, FUTEX_WAIT_BITSET, 0, &when, NULL, 1)));
  pthread_t threads[3];
  for (int i = 0; i < 3; i++) ZERO(pthread_create(&threads[i], NULL, wait_on_word, NULL));
  for (unsigned seen; (seen = __atomic_load_n(&ready, __ATOMIC_SEQ_CST)) < 3;)
    futex(&ready, FUTEX_WAIT, seen, NULL, NULL, 0);
  nanosleep(&pause, NULL);
  __atomic_store_n(&word, 1, __ATOMIC_SEQ_CST);
  say("requeue: %ld", futex(&word, FUTEX_CMP_REQUEUE, 1, (void*)100, &other, 1));
  say("wake requeued: %ld", futex(&other, FUTEX_WAKE, 100, NULL, NULL, 0));
  for (int i = 0; i < 3; i++) ZERO(pthread_join(threads[i], NULL));
  say("nobody left: %ld", futex(&word, FUTEX_WAKE, 100, NULL, NULL, 0));
  return 0;
}

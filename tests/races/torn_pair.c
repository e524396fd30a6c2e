// Two values that belong together are read while they are changed.
#include "race.h"

static volatile int left = 1, right = 1;

static void* change(void* unused) {
  for (int i = 2; i < 5; ++i) {
    left = i;
    right = i;
  }
  return unused;
}

int main(void) {
  pthread_t other = race_thread(change, NULL);
  const int seen_left = left, seen_right = right;
  race_check(seen_left == seen_right, "the pair is torn");
  pthread_join(other, NULL);
  return 0;
}

// Two threads add to a counter without a lock.
#include "race.h"

static volatile int counter;

static void* add(void* unused) {
  for (int i = 0; i < 3; ++i) counter = counter + 1;
  return unused;
}

int main(void) {
  pthread_t other = race_thread(add, NULL);
  add(NULL);
  pthread_join(other, NULL);
  race_check(counter == 6, "an addition is lost");
  return 0;
}

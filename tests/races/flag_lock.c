// A lock made of a flag that is tested and set in two steps.
#include "race.h"

static volatile int taken, inside, broken;

static void* enter(void* unused) {
  for (int i = 0; i < 2; ++i) {
    while (taken)
      ;
    taken = 1;
    if (++inside != 1) broken = 1;
    --inside;
    taken = 0;
  }
  return unused;
}

int main(void) {
  pthread_t other = race_thread(enter, NULL);
  enter(NULL);
  pthread_join(other, NULL);
  race_check(!broken, "both are inside");
  return 0;
}

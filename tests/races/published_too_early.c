// A pointer is published before what it points to is complete.
#include "race.h"

struct item {
  volatile int value, check;
};
static struct item storage;
static struct item* volatile published;

static void* produce(void* unused) {
  published = &storage;
  storage.value = 41;
  storage.check = 41;
  return unused;
}

static void* consume(void* unused) {
  struct item* seen = published;
  if (seen != NULL) race_check(seen->check == 41, "the item is not complete");
  return unused;
}

int main(void) {
  pthread_t one = race_thread(produce, NULL);
  pthread_t two = race_thread(consume, NULL);
  pthread_join(one, NULL);
  pthread_join(two, NULL);
  return 0;
}

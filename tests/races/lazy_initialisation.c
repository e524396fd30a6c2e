// Both threads find the singleton missing and make one.
#include "race.h"

static int* volatile singleton;
static volatile int made;

static void* use(void* unused) {
  if (singleton == NULL) {
    int* fresh = malloc(sizeof *fresh);
    *fresh = ++made;
    singleton = fresh;
  }
  return unused;
}

int main(void) {
  pthread_t other = race_thread(use, NULL);
  use(NULL);
  pthread_join(other, NULL);
  race_check(made == 1, "the singleton was made twice");
  return 0;
}

// rdtscp yields the counter and the number of the processor, in the main thread and in another.
#include <pthread.h>
#include <x86intrin.h>

#include "target.h"

static void* read_counter(void* name) {
  for (int i = 0; i < 5; i++) {
    unsigned processor;
    unsigned long long value = __rdtscp(&processor);
    say("%s: %llu on %#x", (char*)name, value, processor);
  }
  return NULL;
}

int main(void) {
  pthread_t thread;
  ZERO(pthread_create(&thread, NULL, read_counter, "thread"));
  read_counter("main");
  ZERO(pthread_join(thread, NULL));
  return 0;
}

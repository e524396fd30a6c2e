// Every thread has its own thread-local variables, errno and keys with destructors.
#include <pthread.h>

#include "target.h"

static __thread int counter = 5;
static pthread_key_t key;

static void destroy(void* value) { say("destructor of %ld", (long)(intptr_t)value); }

static void* count(void* number) {
  for (int i = 0; i < (intptr_t)number * 10; i++) counter++;
  errno = counter;
  ZERO(pthread_setspecific(key, number));
  (void)getpid();
  say("thread %ld: counter %d, errno %d at %p", (long)(intptr_t)number, counter, counter == errno,
      (void*)&counter);
  return NULL;
}

int main(void) {
  pthread_t threads[4];
  ZERO(pthread_key_create(&key, destroy));
  for (intptr_t i = 0; i < 4; i++) ZERO(pthread_create(&threads[i], NULL, count, (void*)(i + 1)));
  for (int i = 0; i < 4; i++) ZERO(pthread_join(threads[i], NULL));
  say("main: %d", counter);
  return counter;
}

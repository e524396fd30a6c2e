// Detached threads report over a pipe; the process ends while one of them still sleeps.
#include <pthread.h>

#include "target.h"

static int ends[2];

static void* report(void* number) {
  long message[2] = {(intptr_t)number, syscall(SYS_gettid)};
  MUST(write(ends[1], message, sizeof message));
  if (number == NULL)
    for (;;) pause();
  return NULL;
}

int main(void) {
  MUST(pipe(ends));
  pthread_attr_t attributes;
  ZERO(pthread_attr_init(&attributes));
  ZERO(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED));
  for (intptr_t i = 0; i < 8; i++) {
    pthread_t thread;
    ZERO(pthread_create(&thread, &attributes, report, (void*)i));
  }
  for (int i = 0; i < 8; i++) {
    long message[2];
    EXPECT(read(ends[0], message, sizeof message) == sizeof message);
    say("thread %ld is %ld", message[0], message[1]);
  }
  return 0;
}

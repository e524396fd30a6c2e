// Two threads of one process play ping-pong through pipes, each blocking while the other runs.
#include <pthread.h>

#include "target.h"

static int there[2], back[2];

static void* echo(void* unused) {
  int value;
  while (read(there[0], &value, sizeof value) == sizeof value && value >= 0) {
    value = value * 5 + 1;
    value %= 100003;
    MUST(write(back[1], &value, sizeof value));
  }
  return unused;
}

int main(void) {
  MUST(pipe(there));
  MUST(pipe(back));
  pthread_t thread;
  ZERO(pthread_create(&thread, NULL, echo, NULL));
  int value = getpid() % 100;
  for (int i = 0; i < 100; i++) {
    MUST(write(there[1], &value, sizeof value));
    MUST(read(back[0], &value, sizeof value));
    if (i % 20 == 0) say("%d: %d", i, value);
  }
  int stop = -1;
  MUST(write(there[1], &stop, sizeof stop));
  ZERO(pthread_join(thread, NULL));
  return 0;
}

// The main thread executes a program while eight other threads are blocked in different calls.
#include <poll.h>
#include <pthread.h>

#include "target.h"

static pthread_barrier_t started;
static int ends[2];

static void* blocked(void* number) {
  char byte;
  pthread_barrier_wait(&started);
  switch ((intptr_t)number % 3) {
    case 0:
      MUST(read(ends[0], &byte, 1));
      break;
    case 1:
      poll(NULL, 0, -1);
      break;
    case 2:
      pause();
      break;
  }
  return NULL;
}

int main(int argc, char** argv) {
  say("%d %s", getpid(), argc > 1 ? argv[1] : "first");
  if (argc > 1) return 0;
  MUST(pipe2(ends, 02000000));
  ZERO(pthread_barrier_init(&started, NULL, 9));
  for (intptr_t i = 0; i < 8; i++) {
    pthread_t thread;
    ZERO(pthread_create(&thread, NULL, blocked, (void*)i));
  }
  pthread_barrier_wait(&started);
  MUST(execl("/proc/self/exe", argv[0], "second", (char*)NULL));
  return 1;
}

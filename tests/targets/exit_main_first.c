// The main thread ends with pthread_exit before the others; the process ends with its last thread.
#include <pthread.h>
#include <time.h>

#include "target.h"

static pthread_t main_thread;

static void* survivor(void* number) {
  if (number == NULL) {
    ZERO(pthread_join(main_thread, NULL));
    say("main is gone, %ld lives", syscall(SYS_gettid));
  }
  struct timespec pause = MS(5);
  nanosleep(&pause, NULL);
  say("survivor %ld ends", (long)(intptr_t)number);
  return NULL;
}

int main(void) {
  main_thread = pthread_self();
  for (intptr_t i = 0; i < 3; i++) {
    pthread_t thread;
    ZERO(pthread_create(&thread, NULL, survivor, (void*)i));
  }
  pthread_exit(NULL);
}

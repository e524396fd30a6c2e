// One thread waits for a flag without a system call; the other one needs its turn to set it.
#include <pthread.h>
#include <stdio.h>

static volatile int flag;

static void* set_flag(void* unused) {
  flag = 1;
  return unused;
}

int main(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, set_flag, NULL);
  unsigned long rounds = 0;
  while (!flag) ++rounds;
  pthread_join(thread, NULL);
  printf("the flag was seen after %lu rounds\n", rounds);
  return 0;
}

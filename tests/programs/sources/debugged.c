// A program for a debugger: functions to stop in, a signal to pass on, a thread.
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

static volatile int signals;
static void on_signal(int number) { signals += number; }

__attribute__((noinline)) int twice(int value) {
  signals += 0;
  return 2 * value;
}

static void* thread_body(void* argument) {
  *(int*)argument = twice(21);
  return NULL;
}

int main(void) {
  int answer = 0;
  signal(SIGUSR1, on_signal);
  raise(SIGUSR1);
  pthread_t thread;
  if (pthread_create(&thread, NULL, thread_body, &answer) != 0) return 99;
  pthread_join(thread, NULL);
  printf("answer %d, signals %d\n", answer, signals);
  return 0;
}

// A thread executes a program while its siblings sleep and wait; the process id stays the leader's.
#include <pthread.h>

#include "target.h"

static pthread_barrier_t started;

static void* sleeper(void* unused) {
  pthread_barrier_wait(&started);
  for (;;) pause();
  return unused;
}

static void* executor(void* path) {
  pthread_barrier_wait(&started);
  execl(path, "exec_from_thread", "again", (char*)NULL);
  _exit(99);
}

int main(int argc, char** argv) {
  (void)argv;
  say("%d, thread %ld", getpid(), syscall(SYS_gettid));
  if (argc > 1) return getpid() == syscall(SYS_gettid) ? 0 : 1;
  ZERO(pthread_barrier_init(&started, NULL, 4));
  pthread_t thread;
  ZERO(pthread_create(&thread, NULL, sleeper, NULL));
  ZERO(pthread_create(&thread, NULL, sleeper, NULL));
  ZERO(pthread_create(&thread, NULL, executor, "/proc/self/exe"));
  pthread_barrier_wait(&started);
  pthread_join(thread, NULL);
  return 1;
}

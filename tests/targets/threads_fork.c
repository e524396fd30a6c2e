// A thread forks while its siblings work; the child has that one thread only.
#include <dirent.h>
#include <pthread.h>

#include "target.h"

static int count_threads(void) {
  DIR* directory = opendir("/proc/self/task");
  int count = 0;
  while (readdir(directory)) count++;
  closedir(directory);
  return count - 2;
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int done;

static void* wait_for_done(void* unused) {
  pthread_mutex_lock(&lock);
  while (!done) pthread_cond_wait(&changed, &lock);
  pthread_mutex_unlock(&lock);
  return unused;
}

static void* fork_here(void* unused) {
  pid_t child = (pid_t)MUST(fork());
  if (child == 0) {
    say("child %d has %d thread, id %ld", getpid(), count_threads(), syscall(SYS_gettid));
    _exit(0);
  }
  reap(child);
  return unused;
}

int main(void) {
  pthread_t threads[3];
  for (int i = 0; i < 3; i++)
    ZERO(pthread_create(&threads[i], NULL, i < 2 ? wait_for_done : fork_here, NULL));
  ZERO(pthread_join(threads[2], NULL));
  say("parent %d has at least %d", getpid(), count_threads() >= 3 ? 3 : 0);
  pthread_mutex_lock(&lock);
  done = 1;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
  for (int i = 0; i < 2; i++) ZERO(pthread_join(threads[i], NULL));
  return 0;
}

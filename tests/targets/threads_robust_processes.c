// A child dies with a robust mutex in shared memory; its parent, whose page is elsewhere, is told and repairs
// it.
#include <pthread.h>
#include <sys/mman.h>

#include "target.h"

static pthread_mutex_t* map_mutex(int file) {
  return (pthread_mutex_t*)MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
}

int main(void) {
  int file = (int)MUST(memfd_create("mutex", 0));
  MUST(ftruncate(file, 4096));
  pthread_mutex_t* mutex = map_mutex(file);
  pthread_mutexattr_t attributes;
  ZERO(pthread_mutexattr_init(&attributes));
  ZERO(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED));
  ZERO(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST));
  ZERO(pthread_mutex_init(mutex, &attributes));
  int deaths = 0;
  for (int i = 0; i < 5; i++) {
    pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
      pthread_mutex_t* elsewhere = map_mutex(file);
      MUST(munmap(mutex, 4096));
      ZERO(pthread_mutex_lock(elsewhere));
      _exit(0);
    }
    reap(child);
    int result = pthread_mutex_lock(mutex);
    say("locked: %s", strerror(result));
    if (result == EOWNERDEAD) {
      deaths++;
      ZERO(pthread_mutex_consistent(mutex));
    }
    ZERO(pthread_mutex_unlock(mutex));
  }
  return deaths == 5 ? 0 : 1;
}

// Three processes take turns with a process-shared mutex and condition in shared memory.
#include <pthread.h>
#include <sys/mman.h>

#include "target.h"

struct shared {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  int turn;
};

int main(void) {
  struct shared* shared =
      (struct shared*)MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  pthread_mutexattr_t mutex;
  pthread_condattr_t condition;
  ZERO(pthread_mutexattr_init(&mutex));
  ZERO(pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED));
  ZERO(pthread_mutex_init(&shared->mutex, &mutex));
  ZERO(pthread_condattr_init(&condition));
  ZERO(pthread_condattr_setpshared(&condition, PTHREAD_PROCESS_SHARED));
  ZERO(pthread_cond_init(&shared->changed, &condition));
  for (int me = 0; me < 3; me++) {
    if (MUST(fork()) != 0) continue;
    for (int round = 0; round < 5; round++) {
      ZERO(pthread_mutex_lock(&shared->mutex));
      while (shared->turn % 3 != me) ZERO(pthread_cond_wait(&shared->changed, &shared->mutex));
      say("turn %d: %d", shared->turn++, getpid());
      ZERO(pthread_cond_broadcast(&shared->changed));
      ZERO(pthread_mutex_unlock(&shared->mutex));
    }
    _exit(0);
  }
  for (int i = 0; i < 3; i++) MUST(wait(NULL));
  return shared->turn;
}

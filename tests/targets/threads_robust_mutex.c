// A thread dies holding a robust mutex; the next owner learns it and makes the mutex consistent.
#include <pthread.h>

#include "target.h"

static pthread_mutex_t mutex;

static void* die_holding(void* unused) {
  ZERO(pthread_mutex_lock(&mutex));
  say("thread %ld dies with the mutex", syscall(SYS_gettid));
  return unused;
}

int main(void) {
  pthread_mutexattr_t attributes;
  ZERO(pthread_mutexattr_init(&attributes));
  ZERO(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST));
  ZERO(pthread_mutex_init(&mutex, &attributes));
  pthread_t thread;
  ZERO(pthread_create(&thread, NULL, die_holding, NULL));
  int result = 0;
  ZERO(pthread_join(thread, NULL));
  result = pthread_mutex_lock(&mutex);
  say("lock: %s, word %#x", strerror(result), (unsigned)mutex.__data.__lock);
  ZERO(pthread_mutex_consistent(&mutex));
  ZERO(pthread_mutex_unlock(&mutex));
  return result == EOWNERDEAD ? 0 : 1;
}

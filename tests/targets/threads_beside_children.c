// Threads are joined while children of the process, which have no such threads, share a page with it.
#include <pthread.h>
#include <sys/mman.h>

#include "target.h"

enum { children = 6, rounds = 10, threads = 4 };

static void* ends_at_once(void* number) { return number; }

int main(void) {
  int* shared = (int*)MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  int go[2];
  MUST(pipe(go));
  for (int i = 0; i < children; i++) {
    if (MUST(fork()) != 0) continue;
    char byte;
    MUST(close(go[1]));
    EXPECT(read(go[0], &byte, 1) == 0);  // until the parent closes its end
    __atomic_add_fetch(shared, 1, __ATOMIC_SEQ_CST);
    _exit(0);
  }
  long sum = 0;
  for (int round = 0; round < rounds; round++) {
    pthread_t ids[threads];
    for (long i = 0; i < threads; i++) ZERO(pthread_create(&ids[i], NULL, ends_at_once, (void*)(i + round)));
    for (int i = 0; i < threads; i++) {
      void* result = NULL;
      ZERO(pthread_join(ids[i], &result));
      sum += (long)result;
    }
  }
  MUST(close(go[1]));
  for (int i = 0; i < children; i++) MUST(wait(NULL));
  say("%d children, sum %ld", *shared, sum);
  return 0;
}

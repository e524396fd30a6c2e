// Linked statically: four threads count under a lock, and the main thread shows the clock, its process and a
// file.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int total;

static void* count(void* name) {
  for (int i = 0; i < 1000; i++) {
    pthread_mutex_lock(&lock);
    total++;
    pthread_mutex_unlock(&lock);
  }
  printf("thread %s at %p has counted\n", (const char*)name, (void*)&name);
  return NULL;
}

int main(int argc, char** argv) {
  static char* names[] = {"a", "b", "c", "d"};
  pthread_t threads[4];
  for (int i = 0; i < 4; i++)
    if (pthread_create(&threads[i], NULL, count, names[i]) != 0) return 1;
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  struct timespec now;
  unsigned noise = 0;
  clock_gettime(CLOCK_REALTIME, &now);
  if (getrandom(&noise, sizeof noise, 0) != sizeof noise) return 1;
  printf("total %d, time %ld.%09ld, process %d, noise %x\n", total, (long)now.tv_sec, now.tv_nsec, getpid(),
         noise);
  FILE* file = argc > 1 ? fopen(argv[1], "r") : NULL;
  char line[256];
  while (file && fgets(line, sizeof line, file)) fputs(line, stdout);
  if (file) fclose(file);
  return 7;
}

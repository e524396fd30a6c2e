// A thousand signals a second over mappings of a file, made as fast as can be by two threads.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>

#include "target.h"

enum { page = 4096 };

static volatile sig_atomic_t signals;
static int file;

static void on_alarm(int number) {
  (void)number;
  signals++;
  const int before = errno;
  const void* at = mmap(NULL, page, PROT_READ, MAP_PRIVATE, file, 0);
  if (at == MAP_FAILED || memcmp(at, "\177ELF", 4) != 0) _exit(98);
  munmap((void*)(uintptr_t)at, page);
  errno = before;
}

static void* map_until_over(void* argument) {
  const int rounds = *(const int*)argument;
  uintptr_t maps = 0;
  for (int done = 0; done < rounds || (rounds == 0 && signals < 150); ++done) {
    char* at = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    EXPECT(at != MAP_FAILED && memcmp(at, "\177ELF", 4) == 0);
    at[0] = 'x';
    MUST(munmap(at, 2 * page));
    ++maps;
  }
  return (void*)maps;
}

int main(void) {
  file = (int)MUST(open("/proc/self/exe", O_RDONLY));
  struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
  MUST(sigaction(SIGALRM, &action, NULL));
  const struct itimerval every = {{0, 1000}, {0, 1000}}, off = {{0, 0}, {0, 0}};
  MUST(setitimer(ITIMER_REAL, &every, NULL));
  int few = 500, until_over = 0;
  pthread_t other;
  ZERO(pthread_create(&other, NULL, map_until_over, &few));
  const uintptr_t maps = (uintptr_t)map_until_over(&until_over);
  MUST(setitimer(ITIMER_REAL, &off, NULL));
  ZERO(pthread_join(other, NULL));
  say("%lu mappings, %d signals", (unsigned long)maps, (int)signals);
  return 0;
}

// Maps, protects, moves, drops and unmaps memory over and over, alone and with threads and children beside
// it; now and then memory that holds code, or lies in the midst of it.
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { page = 4096, rounds = 60 };

static unsigned long sum;  // of everything seen

static void add(const void* what, size_t size) {
  const unsigned char* bytes = what;
  for (size_t i = 0; i < size; ++i) sum = sum * 31 + bytes[i];
}

static void add_pointer(const void* pointer) { add(&pointer, sizeof pointer); }

static char* map(size_t pages, int protection, int more_flags, char* at) {
  char* got = mmap(at, pages * page, protection, MAP_PRIVATE | MAP_ANONYMOUS | more_flags, -1, 0);
  add_pointer(got);
  return got;
}

static void use_memory(int round) {
  char* first = map(16, PROT_READ | PROT_WRITE, 0, NULL);
  for (int i = 0; i < 16; ++i) first[i * page] = (char)(round + i);
  // A hole, filled again; pages dropped, which are zeros then; a part that is read only, and gets larger.
  munmap(first + 4 * page, 2 * page);
  map(2, PROT_READ | PROT_WRITE, MAP_FIXED, first + 4 * page);
  madvise(first + 8 * page, 2 * page, MADV_DONTNEED);
  mprotect(first + page, page, PROT_READ);
  char* moved = mremap(first + 12 * page, 4 * page, 40 * page, MREMAP_MAYMOVE);
  add_pointer(moved);
  for (int i = 0; i < 12; ++i) add(first + i * page, 8);
  for (int i = 0; i < 40; ++i) add(moved + i * page, 1);
  char* shrunk = mremap(moved, 40 * page, 2 * page, 0);
  add_pointer(shrunk);
  munmap(shrunk, 2 * page);
  munmap(first, 12 * page);
  // Errors: nothing there, not aligned, no memory.
  const int failed =
      mprotect(first, page, PROT_READ) + munmap(first + 1, page) + madvise(first, page, MADV_DONTNEED);
  add(&failed, sizeof failed);
  char* none = mmap(NULL, SIZE_MAX / 2, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  add_pointer(none);
}

static void use_heap(int round) {
  char* before = sbrk(0);
  char* got = sbrk((round % 7 + 1) * 3000);
  add_pointer(got);
  if (got == (void*)-1) return;
  memset(got, round, 3000);
  add(got, 3000);
  if (round % 3 == 0) add_pointer(sbrk(-(intptr_t)((char*)sbrk(0) - before)));
}

// getpid(2) by code that is written, run, overwritten and run again in the same place.
static void use_code(int round) {
  static const unsigned char code[] = {0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xc3};
  unsigned char* at = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int again = 0; again < 2; ++again) {
    memcpy(at + again * 64, code, sizeof code);
    mprotect(at, page, PROT_READ | PROT_EXEC);
    int pid = 0;
    for (int i = 0; i < 4 + round % 3; ++i) pid = ((int (*)(void))(uintptr_t)(at + again * 64))();
    add(&pid, sizeof pid);
    mprotect(at, page, PROT_READ | PROT_WRITE);
  }
  if (round % 2 == 0) {
    char* over = map(1, PROT_READ | PROT_WRITE, MAP_FIXED, (char*)at);
    add(over, page);
  } else {
    madvise(at, page, MADV_DONTNEED);
    add(at, page);
  }
  munmap(at, page);
}

static void ask(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_STACK, &limit);
  add(&limit, sizeof limit);
}

static void* run(void* argument) {
  static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
  const int* start = argument;
  for (int i = *start; i < *start + rounds / 4; ++i) {
    pthread_mutex_lock(&one_at_a_time);
    use_memory(i);
    use_code(i);
    pthread_mutex_unlock(&one_at_a_time);
  }
  return NULL;
}

int main(void) {
  for (int i = 0; i < rounds; ++i) {
    use_memory(i);
    use_heap(i);
    if (i % 4 == 0) use_code(i);
    ask();
  }
  pthread_t threads[3];
  int starts[3] = {1, 2, 3};
  for (int i = 0; i < 3; ++i) pthread_create(&threads[i], NULL, run, &starts[i]);
  for (int i = 0; i < 3; ++i) pthread_join(threads[i], NULL);
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < rounds; ++i) {
      use_memory(i);
      use_heap(i);
    }
    printf("child %lx\n", sum);
    fflush(stdout);
    _exit(0);
  }
  for (int i = 0; i < rounds; ++i) use_memory(i);
  waitpid(child, NULL, 0);
  printf("parent %lx\n", sum);
  return 0;
}

// Calls that have become hot get pointers that lead nowhere, too much data, and descriptors that are not
// there.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "target.h"

static void show(const char* what, long result) {
  say("%s: %ld %s", what, result, result < 0 ? strerror(errno) : "");
}

// Where nothing is: kept from the compiler, which knows better than to pass it.
static void* nowhere(long address) {
  void* volatile pointer = (void*)address;
  return pointer;
}

int main(void) {
  char* edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  MUST(munmap(edge + 4096, 4096));
  memset(edge, 'x', 4096);
  int null = MUST(open("/dev/null", O_WRONLY));
  int zero = MUST(open("/dev/zero", O_RDONLY));
  struct stat status;
  for (int i = 0; i < 50; i++) {
    MUST(write(null, edge, 10));
    MUST(read(zero, edge, 10));
    MUST(stat("/", &status));
    access("/", R_OK);
  }
  show("write across the edge", write(null, edge + 4090, 100));
  show("write of nothing", write(null, nowhere(0), 10));
  show("read to nowhere", read(zero, nowhere(8), 10));
  show("read across the edge", read(zero, edge + 4090, 100));
  show("path from nowhere", access(nowhere(16), R_OK));
  memset(edge + 4090, 'y', 6);
  show("path over the edge", access(edge + 4090, R_OK));
  show("stat to nowhere", stat("/", nowhere(24)));
  show("no such descriptor", read(12345, edge, 10));
  char* large = malloc(3 << 20);
  memset(large, 1, 3 << 20);
  show("read of much", read(zero, large, 3 << 20));
  say("its end: %d", large[(3 << 20) - 1]);
  return 0;
}

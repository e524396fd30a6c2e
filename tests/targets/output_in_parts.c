// Writes to standard output that are not taken as they are: in part, not at all, from memory that is not
// there, of no bytes, from many places, larger than the agent's ring.
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "target.h"

static char block[1 << 20];

static void fill(int seed) {
  for (size_t i = 0; i < sizeof block; ++i) {
    block[i] = i % 64 == 63 ? '\n' : (char)('!' + (i * 7 + i / 64 + (size_t)seed) % 90);
  }
}

static void show(const char* what, long result) { dprintf(2, "%s: %s\n", what, outcome(result)); }

// As much as a pipe takes, and a bit; what is left of it later on.
static void write_without_waiting(void) {
  int ends[2];
  MUST(pipe(ends));
  const pid_t reader = (pid_t)MUST(fork());
  if (reader == 0) {
    MUST(close(ends[1]));
    static char taken[1 << 16];
    long got = 0, part = 0;
    while ((part = MUST(read(ends[0], taken, sizeof taken))) > 0) got += part;
    say("read %ld", got);
    _exit(0);
  }
  MUST(close(ends[0]));
  const int flags = (int)MUST(fcntl(1, F_GETFL));
  // Shared with whoever reads what this prints, but not for long.
  MUST(fcntl(1, F_SETFL, flags | O_NONBLOCK));
  long written = 0;
  for (int i = 0; i < 60; ++i) {
    const long part = write(1, block, 20000);
    if (part > 0) written += part;
    const int error = errno;
    EXPECT(part > 0 || error == EAGAIN);
    if (part < 0) usleep(1000);
    MUST(write(ends[1], block, 1000));
  }
  MUST(fcntl(1, F_SETFL, flags));
  MUST(close(ends[1]));
  dprintf(2, "written without waiting: %ld\n", written);
  reap(reader);
}

int main(void) {
  for (int i = 0; i < 40; ++i) say("line %d", i);
  fill(0);
  const long page = sysconf(_SC_PAGESIZE);
  char* pages = mmap(NULL, 2 * (size_t)page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT(pages != MAP_FAILED);
  MUST(munmap(pages + page, (size_t)page));
  memset(pages, 'm', (size_t)page);
  pages[page - 1] = '\n';
  void* volatile nowhere = (void*)8;
  for (int round = 0; round < 6; ++round) {
    show("nothing", write(1, block, 0));
    show("nothing from nowhere", write(1, NULL, 0));
    show("from nowhere", write(1, nowhere, 10));
    show("from half a page", write(1, pages + page / 2, (size_t)page));
    show("to nobody", write(77, block, 10));
    struct iovec parts[4] = {{block, 64}, {NULL, 0}, {block + 640, 64}, {block + 6400, 128}};
    show("parts", writev(1, parts, 4));
    show("no parts", writev(1, parts, 0));
    parts[2].iov_base = nowhere;
    show("a part from nowhere", writev(1, parts, 4));
    struct iovec many[300];
    for (int i = 0; i < 300; ++i) many[i] = (struct iovec){block + i * 64, 64};
    show("as many parts as fit", writev(1, many, 199));
    show("more of them", writev(1, many, 300));
    show("at a place", pwrite(1, block, 64, 0) == 64 ? 64 : -2);
    show("much", write(1, block, 64 * 1000));
    show("more", write(1, block, 64 * 4095));
    show("very much", write(1, block, 64 * 4097));
    struct iovec large[3] = {{block, 200 << 10}, {block, 200 << 10}, {block, 100 << 10}};
    show("large parts", writev(1, large, 3));
    fill(round);
  }
  write_without_waiting();
  for (int i = 0; i < 40; ++i) say("last line %d", i);
  return 0;
}

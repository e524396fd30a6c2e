// A file that is mapped shared again after it changed while nobody had it mapped, and another file that has
// got the number of the first one's inode: each mapping shows what the file holds.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "target.h"

enum { size = 10 };

static int make(const char* name, const char* text) {
  const int fd = (int)MUST(open(name, O_RDWR | O_CREAT | O_TRUNC, 0600));
  EXPECT(write(fd, text, size) == size);
  return fd;
}

static char* map(int fd) {
  char* memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  EXPECT(memory != MAP_FAILED);
  return memory;
}

static void show(const char* what, const char* memory) {
  say("%s: %.10s", what, memory);
  // What it shows decides which calls follow.
  for (int i = 0; i < memory[0] - '0'; ++i) (void)getppid();
}

int main(void) {
  char directory[] = "/tmp/rec-target-XXXXXX";
  EXPECT(mkdtemp(directory) != NULL);
  MUST(chdir(directory));

  int fd = make("file", "1 first   ");
  char* memory = map(fd);
  show("mapped", memory);
  MUST(munmap(memory, size));
  EXPECT(pwrite(fd, "2 written ", size, 0) == size);
  memory = map(fd);
  show("mapped again", memory);
  memory[0] = '4';
  char* second = map(fd);
  show("at two places", second);
  MUST(munmap(memory, size));
  second[0] = '5';
  memory = map(fd);
  show("one after the other", memory);
  MUST(munmap(memory, size));
  MUST(munmap(second, size));
  MUST(close(fd));

  for (int i = 0; i < 5; ++i) {
    char text[size + 1];
    snprintf(text, sizeof text, "%d number  ", i);
    MUST(unlink("file"));
    fd = make("file", text);
    memory = map(fd);
    show("new file", memory);
    MUST(munmap(memory, size));
    MUST(close(fd));
  }

  fd = make("file", "3 parent  ");
  memory = map(fd);
  fflush(NULL);
  const pid_t child = (pid_t)MUST(fork());
  if (child == 0) {
    char* own = map(fd);
    show("child", own);
    own[0] = '6';
    _exit(0);
  }
  reap(child);
  show("parent", memory);
  MUST(unlink("file"));
  MUST(chdir("/"));
  MUST(rmdir(directory));
  return 0;
}

// A file that was left alone for some seconds is mapped many times, and then changed: by its own process, by
// a child. Old mappings and new ones show it, but for pages that were written to.
#include <fcntl.h>
#include <sys/mman.h>

#include "target.h"

enum { page = 4096, pages = 3 };

static char* map_file(int fd) {
  char* at = mmap(NULL, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  EXPECT(at != MAP_FAILED);
  return at;
}

// The last of many.
static char* map_often(int fd) {
  char* last = map_file(fd);
  for (int i = 0; i < 40; ++i) {
    char* next = map_file(fd);
    EXPECT(memcmp(last, next, page) == 0);
    MUST(munmap(last, pages * page));
    last = next;
  }
  return last;
}

static void show(const char* what, const char* mapping) {
  say("%s: %.8s %.8s", what, mapping, mapping + page);
}

static void change_in_child(int fd, const char* text) {
  const pid_t child = (pid_t)MUST(fork());
  if (child == 0) {
    MUST(pwrite(fd, text, strlen(text), page));
    _exit(0);
  }
  reap(child);
}

int main(void) {
  enter_scratch();
  const int fd = (int)MUST(open("file", O_RDWR | O_CREAT | O_EXCL, 0600));
  MUST(ftruncate(fd, pages * page));
  MUST(pwrite(fd, "first", 5, 0));
  MUST(pwrite(fd, "second", 6, page));
  MUST(sleep(3));
  char* old = map_often(fd);
  char* written = map_often(fd);
  strcpy(written, "my own");
  show("at rest", old);
  MUST(pwrite(fd, "FIRST", 5, 0));
  show("old", old);
  show("written to", written);
  char* new = map_often(fd);
  show("new", new);
  change_in_child(fd, "CHILD");
  show("old", old);
  show("written to", written);
  show("new", new);
  MUST(sleep(3));
  char* newest = map_often(fd);
  show("newest", newest);
  change_in_child(fd, "AGAIN");
  show("old", old);
  show("newest", newest);
  MUST(ftruncate(fd, page));
  MUST(ftruncate(fd, pages * page));
  show("cut and grown", newest);
  show("written to", written);
  MUST(unlink("file"));
  show("unlinked", map_often(fd));
  leave_scratch();
  return 0;
}

// A private file mapping shows the file, takes writes for itself and leaves the file alone.
#include <fcntl.h>
#include <sys/mman.h>

#include "target.h"

int main(void) {
  enter_scratch();
  int fd = (int)MUST(open("file", O_CREAT | O_RDWR, 0600));
  char block[4096], text[16] = "";
  for (int i = 0; i < 4; i++) {
    memset(block, 'a' + i, sizeof block);
    MUST(write(fd, block, sizeof block));
  }
  char* map = (char*)MUST(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 4096));
  say("before: %c %c", map[0], map[8191]);
  map[10] = '!';
  MUST(pread(fd, text, 4, 4096 + 8));
  say("mapping %.4s, file %s", map + 8, text);
  MUST(close(fd));
  MUST(unlink("file"));
  say("without its file: %c %c", map[10], map[4096]);
  leave_scratch();
  return 0;
}

// A shared file mapping and the file's descriptor see each other's writes.
#include <fcntl.h>
#include <sys/mman.h>

#include "target.h"

int main(void) {
  enter_scratch();
  int fd = (int)MUST(open("file", O_CREAT | O_RDWR, 0600));
  MUST(ftruncate(fd, 8192));
  char* map = (char*)MUST(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  memcpy(map + 4090, "through the mapping", 20);
  char text[32] = "";
  MUST(pread(fd, text, 20, 4090));
  say("file: %s", text);
  MUST(pwrite(fd, "through the file", 17, 100));
  say("mapping: %s", map + 100);
  MUST(msync(map, 8192, MS_SYNC));
  char* twin = (char*)MUST(mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0));
  map[200] = 'T';
  say("twin: %c", twin[200]);
  MUST(unlink("file"));
  leave_scratch();
  return 0;
}

// Mappings longer and shorter than their file: zeros to the page's end, the file's rest unseen, SIGBUS
// beyond.
#include <sys/mman.h>

#include "target.h"

int main(void) {
  int fd = (int)MUST(memfd_create("odd", 0));
  char block[5000];
  memset(block, 'f', sizeof block);
  MUST(write(fd, block, sizeof block));
  char* shorter = (char*)MUST(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0));
  char* longer = (char*)MUST(mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
  say("%c %c, last byte %c, then %d", shorter[0], shorter[4095], longer[4999], longer[5000]);
  longer[8191] = 'x';
  say("in the last page: %c", longer[8191]);
  say("beyond: %c", longer[8192]);
  return 1;
}

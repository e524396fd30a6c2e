// Scattered reads and gathered writes, with offsets and with vectors longer than the file.
#include <fcntl.h>
#include <sys/uio.h>

#include "target.h"

int main(void) {
  enter_scratch();
  int fd = (int)MUST(open("file", O_CREAT | O_RDWR, 0600));
  struct iovec out[3] = {{"gathered ", 9}, {"", 0}, {"from three", 10}};
  say("writev %ld", MUST(writev(fd, out, 3)));
  say("pwritev %ld", MUST(pwritev(fd, out, 1, 19)));
  char first[5] = "", second[9] = "", third[100] = "";
  struct iovec in[3] = {{first, 4}, {second, 8}, {third, 99}};
  MUST(lseek(fd, 0, SEEK_SET));
  say("readv %ld: %s|%s|%s", MUST(readv(fd, in, 3)), first, second, third);
  memset(third, 0, sizeof third);
  say("preadv %ld: %s|%s|%s", MUST(preadv(fd, in, 3, 9)), first, second, third);
  say("preadv2 %zd", preadv2(fd, in, 2, 3, RWF_HIPRI));
  say("at the end: %ld", MUST(preadv(fd, in, 3, 1000)));
  MUST(unlink("file"));
  leave_scratch();
  return 0;
}

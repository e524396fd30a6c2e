// Rare and nonsensical ioctls: their errors, and output that only the memory shows.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "target.h"

int main(void) {
  int fd = (int)MUST(memfd_create("file", 0)), version = -1;
  unsigned char block[64];
  memset(block, 0xaa, sizeof block);
  say("nonsense: %s", outcome(ioctl(fd, _IOR('z', 99, char[64]), block)));
  say("undecodable: %s", outcome(ioctl(fd, 0xdeadbeef, block)));
  const char* answer = outcome(ioctl(fd, FS_IOC_GETVERSION, &version));
  say("FS_IOC_GETVERSION: %s, %d", answer, version);
  long flags = -1;
  int result = ioctl(fd, FS_IOC_GETFLAGS, &flags);
  say("FS_IOC_GETFLAGS: %d, %#x", result, (unsigned)flags);
  int random = (int)MUST(open("/dev/urandom", O_RDONLY)), entropy = -1;
  result = ioctl(random, 0x80045200, &entropy);  // RNDGETENTCNT
  say("entropy: %d, %d", result, entropy);
  say("untouched: %x", block[0]);
  return 0;
}

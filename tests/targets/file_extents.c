// Where a file's data lies (FS_IOC_FIEMAP), with room for all extents, for fewer than there are, and for
// none.
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "target.h"

enum { most = 4 };

static void show(int fd, unsigned room) {
  union {
    struct fiemap map;
    unsigned char bytes[sizeof(struct fiemap) + (most + 1) * sizeof(struct fiemap_extent)];
  } asked;
  memset(&asked, 0xee, sizeof asked);
  asked.map.fm_start = 0;
  asked.map.fm_length = FIEMAP_MAX_OFFSET;
  asked.map.fm_flags = FIEMAP_FLAG_SYNC;
  asked.map.fm_extent_count = room;
  const int result = ioctl(fd, FS_IOC_FIEMAP, &asked.map);
  say("room for %u: %s, flags %#x, mapped %u", room, outcome(result), asked.map.fm_flags,
      asked.map.fm_mapped_extents);
  for (unsigned i = 0; result == 0 && i < room && i < asked.map.fm_mapped_extents; i++) {
    const struct fiemap_extent* extent = &asked.map.fm_extents[i];
    say("  %llu at %llu, %llu bytes, flags %#x", extent->fe_logical, extent->fe_physical, extent->fe_length,
        extent->fe_flags);
  }
  EXPECT(asked.bytes[sizeof asked - 1] == 0xee);
}

int main(void) {
  enter_scratch();
  const int fd = (int)MUST(open("file", O_RDWR | O_CREAT, 0600));
  for (int i = 0; i < 3; i++) MUST(pwrite(fd, "data", 4, i * (1 << 20)));
  for (unsigned room = 0; room <= most; room++) show(fd, room);
  say("of no file: %s", outcome(ioctl(-1, FS_IOC_FIEMAP, &(struct fiemap){0})));
  MUST(unlink("file"));
  leave_scratch();
  return 0;
}

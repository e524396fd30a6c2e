// Extended attributes, preallocation, advice and openat2, with whatever the file system says to them.
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/xattr.h>

#include "target.h"

int main(void) {
  enter_scratch();
  int fd = (int)MUST(open("file", O_CREAT | O_RDWR, 0600));
  char value[64] = "", names[256] = "";
  int result = fsetxattr(fd, "user.color", "blue", 4, 0);
  say("set: %d %s", result, strerror(result ? errno : 0));
  ssize_t size = getxattr("file", "user.color", value, sizeof value);
  say("get: %zd %s, list: %zd", size, value, flistxattr(fd, names, sizeof names));
  result = fallocate(fd, 0, 0, 10000);
  say("fallocate: %d %s, size %ld", result, strerror(result ? errno : 0), (long)lseek(fd, 0, SEEK_END));
  say("advice: %d, sync: %d", posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL), fdatasync(fd));
  struct open_how how = {.flags = O_RDONLY, .resolve = RESOLVE_BENEATH};
  say("openat2 beneath: %s",
      syscall(SYS_openat2, AT_FDCWD, "file", &how, sizeof how) >= 0 ? "opened" : strerror(errno));
  result = (int)syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", &how, sizeof how);
  say("openat2 above: %d %s", result, strerror(errno));
  MUST(unlink("file"));
  leave_scratch();
  return 0;
}

// Extended attributes by path, by link and by descriptor, and by the calls that take a directory.
#include <fcntl.h>

#include "target.h"

int main(void) {
  char value[64], names[256];
  const struct {
    uint64_t value;
    uint32_t size, flags;
  } given = {(uint64_t)(uintptr_t) "third", 5, 0}, wanted = {(uint64_t)(uintptr_t)value, sizeof value, 0};
  enter_scratch();
  const int file = (int)MUST(open("file", O_CREAT | O_RDWR, 0600));
  say("set: %s", outcome(syscall(SYS_setxattr, "file", "user.a", "first", 5L, 0)));
  say("lset: %s", outcome(syscall(SYS_lsetxattr, "file", "user.b", "second", 6L, 0)));
  say("setat: %s", outcome(syscall(463, AT_FDCWD, "file", 0, "user.c", &given, sizeof given)));
  say("get: %s", outcome(syscall(SYS_lgetxattr, "file", "user.a", value, sizeof value)));
  const long length = syscall(SYS_fgetxattr, file, "user.b", value, sizeof value);
  if (length > 0) say("fget: %.*s", (int)length, value);
  say("getat: %s", outcome(syscall(464, AT_FDCWD, "file", 0, "user.c", &wanted, sizeof wanted)));
  say("list: %s", outcome(syscall(SYS_listxattr, "file", names, sizeof names)));
  say("llist: %s", outcome(syscall(SYS_llistxattr, "file", names, sizeof names)));
  say("listat: %s", outcome(syscall(465, AT_FDCWD, "file", 0, names, sizeof names)));
  say("remove: %s", outcome(syscall(SYS_removexattr, "file", "user.a")));
  say("lremove: %s", outcome(syscall(SYS_lremovexattr, "file", "user.b")));
  say("removeat: %s", outcome(syscall(466, AT_FDCWD, "file", 0, "user.c")));
  say("fremove: %s", outcome(syscall(SYS_fremovexattr, file, "user.a")));
  MUST(close(file));
  MUST(unlink("file"));
  leave_scratch();
  return 0;
}

// What stat, lstat, statx, statfs and access say about files, directories, links and devices.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "target.h"

static void show(const char* path) {
  struct stat status;
  int result = lstat(path, &status);
  if (result != 0) {
    say("%s: %s", path, strerror(errno));
    return;
  }
  say("%s: dev %lx ino %lu mode %o links %lu uid %u size %ld, changed %ld.%09ld", path,
      (unsigned long)status.st_dev, (unsigned long)status.st_ino, status.st_mode,
      (unsigned long)status.st_nlink, status.st_uid, (long)status.st_size, (long)status.st_mtim.tv_sec,
      status.st_mtim.tv_nsec);
}

int main(void) {
  enter_scratch();
  MUST(mkdir("directory", 0750));
  MUST(symlink("directory", "link"));
  close((int)MUST(open("file", O_CREAT | O_WRONLY, 0644)));
  MUST(link("file", "directory/other"));
  MUST(chmod("file", 04755));
  struct timespec times[2] = {{1000000000, 5}, {1234567890, 987654321}};
  MUST(utimensat(AT_FDCWD, "file", times, 0));
  const char* paths[] = {"directory", "link",      "file",      "directory/other",
                         "missing",   "/dev/null", "/proc/self"};
  for (int i = 0; i < 7; i++) show(paths[i]);
  struct statx extended;
  MUST(statx(AT_FDCWD, "file", 0, STATX_ALL, &extended));
  say("statx: ino %llu, birth %lld, mask %#x", (unsigned long long)extended.stx_ino,
      (long long)extended.stx_btime.tv_sec, extended.stx_mask);
  struct statfs system;
  MUST(statfs(".", &system));
  say("statfs: type %lx, free %lu", (unsigned long)system.f_type, (unsigned long)system.f_bavail);
  say("access %d, no access %d", access("file", R_OK | X_OK), access("missing", F_OK));
  MUST(unlink("directory/other"));
  MUST(unlink("file"));
  MUST(unlink("link"));
  MUST(rmdir("directory"));
  leave_scratch();
  return 0;
}

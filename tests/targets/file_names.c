// Renaming, linking, removing and the working directory, with the errors of each.
#include <fcntl.h>
#include <sys/stat.h>

#include "target.h"

int main(void) {
  enter_scratch();
  char text[512] = "";
  MUST(mkdir("a", 0700));
  MUST(mkdirat(AT_FDCWD, "b", 0700));
  int fd = (int)MUST(open("a/file", O_CREAT | O_RDWR, 0600));
  MUST(write(fd, "content", 7));
  MUST(rename("a/file", "b/renamed"));
  say("old name: %s", outcome(access("a/file", F_OK)));
  say("exchange: %ld", syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "b", 2));
  MUST(symlink("../a/renamed", "b/link"));
  ssize_t size = MUST(readlink("b/link", text, sizeof text - 1));
  say("link %zd %s", size, text);
  say("rmdir: %s", outcome(rmdir("a")));
  say("unlink: %s", outcome(unlink("b")));
  MUST(symlink("self", "self"));
  say("loop: %s", outcome(open("self", O_RDONLY)));
  MUST(chdir("a"));
  say("working directory %s", getcwd(text, sizeof text));
  int parent = (int)MUST(open("..", O_RDONLY | O_DIRECTORY));
  MUST(unlink("renamed"));
  memset(text, 0, sizeof text);
  MUST(pread(fd, text, 20, 0));
  say("unlinked but open: %s", text);
  MUST(fchdir(parent));
  say("umask %o", umask(027));
  MUST(unlink("b/link"));
  MUST(unlink("self"));
  MUST(rmdir("a"));
  MUST(rmdir("b"));
  leave_scratch();
  return 0;
}

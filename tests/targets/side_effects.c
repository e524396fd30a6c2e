// A program deletes, writes and renames files, sends a datagram and kills its sibling, in the directory it is
// given.
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "target.h"

static void make_file(const char* name) {
  int fd = (int)MUST(open(name, O_CREAT | O_WRONLY | O_EXCL, 0600));
  MUST(write(fd, "old content", 11));
  MUST(close(fd));
}

// Arguments: the directory, with files `victim`, `old-name` and `long` (default: one made in $TMPDIR), the
// UDP port on the loopback (default: 9), the process to kill (default: a child of its own).
int main(int argc, char** argv) {
  if (argc > 1) MUST(chdir(argv[1]));
  if (argc <= 1) {
    enter_scratch();
    make_file("victim");
    make_file("old-name");
    make_file("long");
  }
  int fd = (int)MUST(open("written", O_CREAT | O_WRONLY | O_TRUNC, 0600));
  MUST(write(fd, "new content\n", 12));
  MUST(close(fd));
  say("victim: %d", unlink("victim"));
  say("old-name: %d", rename("old-name", "new-name"));
  say("directory: %d", mkdir("made", 0700));
  say("truncated: %d", truncate("long", 3));
  say("mode: %d", chmod("written", 0400));
  int out = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0));
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  address.sin_port = htons((uint16_t)(argc > 2 ? atoi(argv[2]) : 9));
  say("sent: %zd", sendto(out, "gone out", 8, 0, (struct sockaddr*)&address, sizeof address));
  pid_t sibling = argc > 3 ? atoi(argv[3]) : (pid_t)MUST(fork());
  if (sibling == 0)
    for (;;) pause();
  say("killed %d: %d", sibling, kill(sibling, SIGKILL));
  if (argc <= 3) reap(sibling);
  return 0;
}

// With SIGPIPE ignored, writing to a pipe or socket without readers fails with EPIPE.
#include <signal.h>
#include <sys/socket.h>

#include "target.h"

int main(void) {
  int ends[2];
  signal(SIGPIPE, SIG_IGN);
  MUST(pipe(ends));
  close(ends[0]);
  ssize_t result = write(ends[1], "x", 1);
  say("pipe: %zd %s", result, strerror(errno));
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
  close(ends[0]);
  result = send(ends[1], "x", 1, 0);
  say("socket: %zd %s", result, strerror(errno));
  return 0;
}

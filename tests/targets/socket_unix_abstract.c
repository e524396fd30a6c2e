// A child connects to an abstract Unix socket and the parent sees who it is.
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "target.h"

int main(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX}, peer;
  int size = snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "target-%d", getpid());
  socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)size), got;
  int listener = (int)MUST(socket(AF_UNIX, SOCK_SEQPACKET, 0));
  MUST(bind(listener, (struct sockaddr*)&address, length));
  MUST(listen(listener, 4));
  pid_t child = (pid_t)MUST(fork());
  if (child == 0) {
    int fd = (int)MUST(socket(AF_UNIX, SOCK_SEQPACKET, 0));
    MUST(connect(fd, (struct sockaddr*)&address, length));
    MUST(send(fd, "packet one", 10, 0));
    MUST(send(fd, "two", 3, 0));
    return 0;
  }
  got = sizeof peer;
  int fd = (int)MUST(accept(listener, (struct sockaddr*)&peer, &got));
  say("peer address length %u", got);
  struct ucred credentials;
  got = sizeof credentials;
  MUST(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &got));
  say("peer is %d, uid %d; child %d", credentials.pid, credentials.uid, child);
  char text[64];
  for (ssize_t bytes; (bytes = MUST(recv(fd, text, sizeof text, 0))) > 0;)
    say("packet %zd: %.*s", bytes, (int)bytes, text);
  got = sizeof peer;
  MUST(getsockname(listener, (struct sockaddr*)&peer, &got));
  say("bound to @%.*s", (int)(got - offsetof(struct sockaddr_un, sun_path) - 1), peer.sun_path + 1);
  reap(child);
  return 0;
}

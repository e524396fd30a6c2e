// A child process connects to its parent over TCP without blocking and sends half a megabyte.
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include "target.h"

static void send_all(struct sockaddr_in* address) {
  int fd = (int)MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)), error = 0;
  int result = connect(fd, (struct sockaddr*)address, sizeof *address);
  say("connect: %s", result == 0 || errno == EINPROGRESS ? "under way" : strerror(errno));
  static char block[1 << 19];
  memset(block, 'd', sizeof block);
  for (size_t sent = 0; sent < sizeof block;) {
    struct pollfd wait = {fd, POLLOUT, 0};
    MUST(poll(&wait, 1, -1));
    ssize_t size = send(fd, block + sent, sizeof block - sent, MSG_NOSIGNAL);
    if (size > 0) sent += (size_t)size;
  }
  socklen_t length = sizeof error;
  MUST(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length));
  _exit(error);
}

int main(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  int listener = (int)MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  MUST(bind(listener, (struct sockaddr*)&address, length));
  MUST(getsockname(listener, (struct sockaddr*)&address, &length));
  MUST(listen(listener, 5));
  pid_t child = (pid_t)MUST(fork());
  if (child == 0) send_all(&address);
  int fd = (int)MUST(accept(listener, NULL, NULL));
  static char block[50000];
  long total = 0, mix = 0;
  for (ssize_t size; (size = MUST(read(fd, block, sizeof block))) > 0; total += size)
    mix = (mix * 31 + size) % 1000003;
  say("received %ld, mix %ld", total, mix);
  return WEXITSTATUS(reap(child));
}

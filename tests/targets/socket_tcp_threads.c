// A TCP server thread and a client thread talk over the loopback.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/socket.h>

#include "target.h"

static int listener;

static void* serve(void* unused) {
  struct sockaddr_in peer;
  socklen_t length = sizeof peer;
  int fd = (int)MUST(accept4(listener, (struct sockaddr*)&peer, &length, SOCK_CLOEXEC));
  say("accepted from %s:%d, length %u", inet_ntoa(peer.sin_addr), ntohs(peer.sin_port), length);
  char text[64];
  for (ssize_t size; (size = recv(fd, text, sizeof text, 0)) > 0;) {
    for (ssize_t i = 0; i < size; i++) text[i] = (char)(text[i] ^ 0x20);
    MUST(send(fd, text, (size_t)size, MSG_NOSIGNAL));
  }
  close(fd);
  return unused;
}

int main(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  listener = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
  MUST(bind(listener, (struct sockaddr*)&address, length));
  MUST(getsockname(listener, (struct sockaddr*)&address, &length));
  MUST(listen(listener, 1));
  say("listening on %d", ntohs(address.sin_port));
  pthread_t thread;
  ZERO(pthread_create(&thread, NULL, serve, NULL));
  int fd = (int)MUST(socket(AF_INET, SOCK_STREAM, 0)), on = 1;
  MUST(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
  MUST(connect(fd, (struct sockaddr*)&address, length));
  for (int i = 0; i < 5; i++) {
    char text[64] = "";
    int size = snprintf(text, sizeof text, "Message %d", i);
    MUST(send(fd, text, (size_t)size, 0));
    MUST(recv(fd, text, (size_t)size, MSG_WAITALL));
    say("%s", text);
  }
  struct tcp_info info;
  length = sizeof info;
  MUST(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length));
  say("round trip %u us, option length %u", info.tcpi_rtt, length);
  MUST(shutdown(fd, SHUT_WR));
  ZERO(pthread_join(thread, NULL));
  return 0;
}

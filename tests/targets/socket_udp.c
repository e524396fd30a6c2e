// Datagrams over the loopback: truncated, peeked at, one by one and several in one call.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <time.h>

#include "target.h"

int main(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}, from;
  socklen_t length = sizeof address;
  int in = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0)), out = (int)MUST(socket(AF_INET, SOCK_DGRAM, 0));
  MUST(bind(in, (struct sockaddr*)&address, length));
  MUST(getsockname(in, (struct sockaddr*)&address, &length));
  char text[64] = "";
  MUST(sendto(out, "a datagram", 10, 0, (struct sockaddr*)&address, sizeof address));
  say("peek %ld %.4s", MUST(recv(in, text, 4, MSG_PEEK)), text);
  length = 6;  // too short for the address: the kernel says how long it is
  ssize_t size = recvfrom(in, text, 5, MSG_TRUNC, (struct sockaddr*)&from, &length);
  say("recvfrom %zd %.5s, address length %u, family %d", size, text, length, from.sin_family);
  struct iovec parts[3] = {{"first", 5}, {"second!", 7}, {"", 0}};
  struct mmsghdr messages[3] = {0};
  for (int i = 0; i < 3; i++)
    messages[i].msg_hdr = (struct msghdr){&address, sizeof address, &parts[i], 1, NULL, 0, 0};
  long count = MUST(sendmmsg(out, messages, 3, 0));
  say("sendmmsg %ld: %u %u %u", count, messages[0].msg_len, messages[1].msg_len, messages[2].msg_len);
  char got[4][16] = {{0}};
  struct sockaddr_in peers[4];
  struct mmsghdr in_messages[4] = {0};
  for (int i = 0; i < 4; i++) {
    static struct iovec into[4];
    into[i] = (struct iovec){got[i], 15};
    in_messages[i].msg_hdr = (struct msghdr){&peers[i], sizeof peers[i], &into[i], 1, NULL, 0, 0};
  }
  count = MUST(recvmmsg(in, in_messages, 4, MSG_DONTWAIT, NULL));
  say("recvmmsg %ld: %s %s, port %d, lengths %u %u %u", count, got[0], got[1], ntohs(peers[1].sin_port),
      in_messages[0].msg_len, in_messages[1].msg_len, in_messages[2].msg_len);
  say("nothing left: %s", outcome(recv(in, text, 1, MSG_DONTWAIT)));
  return 0;
}

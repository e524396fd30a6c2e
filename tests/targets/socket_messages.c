// sendmsg and recvmsg with several buffers, with truncation and timestamps as control data.
#include <sys/socket.h>
#include <time.h>

#include "target.h"

int main(void) {
  int pair[2], on = 1;
  MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
  MUST(setsockopt(pair[1], SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on));
  struct iovec out[2] = {{"hello, ", 7}, {"message", 7}};
  struct msghdr message = {.msg_iov = out, .msg_iovlen = 2};
  for (int i = 0; i < 2; i++) say("sent %ld", MUST(sendmsg(pair[0], &message, 0)));
  char first[4] = "", second[20] = "", control[100] __attribute__((aligned(8)));
  struct iovec in[2] = {{first, 3}, {second, 4}};
  for (int i = 0; i < 2; i++) {
    message = (struct msghdr){
        .msg_iov = in, .msg_iovlen = 2, .msg_control = control, .msg_controllen = sizeof control};
    long size = MUST(recvmsg(pair[1], &message, 0));
    say("received %ld: %s|%s, flags %#x, control %zu", size, first, second, message.msg_flags,
        message.msg_controllen);
    struct cmsghdr* part = CMSG_FIRSTHDR(&message);
    if (part) {
      struct timespec when;
      memcpy(&when, CMSG_DATA(part), sizeof when);
      say("control type %d at %ld.%09ld", part->cmsg_type, (long)when.tv_sec, when.tv_nsec);
    }
    in[1].iov_len = 19;
  }
  struct timeval timeout = {0, 5000};
  MUST(setsockopt(pair[1], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout));
  say("timeout: %s", outcome(recvmsg(pair[1], &message, 0)));
  return 0;
}

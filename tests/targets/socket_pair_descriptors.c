// A descriptor and credentials travel over a socket pair to a child, which writes through the descriptor.
#include <sys/socket.h>

#include "target.h"

union control {
  struct cmsghdr header;
  char space[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
};

int main(void) {
  int pair[2], ends[2], on = 1;
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  MUST(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
  MUST(pipe(ends));
  pid_t child = (pid_t)MUST(fork());
  char text[32] = "";
  struct iovec part = {text, sizeof text};
  union control control;
  memset(&control, 0, sizeof control);
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control};
  if (child == 0) {
    close(ends[1]);
    message.msg_controllen = sizeof control;
    long size = MUST(recvmsg(pair[1], &message, 0));
    say("received %ld: %s, flags %#x", size, text, message.msg_flags);
    for (struct cmsghdr* part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
      int* words = (int*)CMSG_DATA(part);
      say("control type %d length %zu: %d", part->cmsg_type, part->cmsg_len, words[0]);
      if (part->cmsg_type == SCM_RIGHTS) MUST(write(words[0], "from afar", 10));
    }
    return 0;
  }
  strcpy(text, "take this");
  message.msg_controllen = CMSG_SPACE(sizeof(int));
  control.header =
      (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
  memcpy(CMSG_DATA(&control.header), &ends[1], sizeof(int));
  MUST(sendmsg(pair[0], &message, 0));
  MUST(read(ends[0], text, sizeof text));
  say("parent got %s", text);
  reap(child);
  return 0;
}

// Socket calls that have become hot: messages with and without address and control data, descriptors in them,
// lengths that the kernel gives back (larger than the room, negative, nowhere), pairs of descriptors.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "target.h"

static void* nowhere(long address) {
  void* volatile pointer = (void*)address;
  return pointer;
}

static unsigned long sum_of(const void* bytes, size_t count) {
  unsigned long sum = 0;
  for (size_t i = 0; i < count; i++) sum = sum * 31 + ((const unsigned char*)bytes)[i];
  return sum;
}

static void show(const char* what, long result, const struct msghdr* message) {
  say("%s: %s", what, outcome(result));
  if (result >= 0)
    say("  name %u control %zu flags %x", message->msg_namelen, message->msg_controllen, message->msg_flags);
}

// A descriptor goes with every third message; it has to be usable, and its number is the lowest one free.
static void pass_descriptors(int from, int to) {
  for (int i = 0; i < 30; i++) {
    char text[32], room[CMSG_SPACE(sizeof(int))], head[6], tail[40];
    int length = snprintf(text, sizeof text, "message %d", i);
    struct iovec out[2] = {{text, 3}, {text + 3, (size_t)length - 3}};
    struct msghdr message = {.msg_iov = out, .msg_iovlen = 2};
    int ends[2] = {-1, -1};
    if (i % 3 == 0) {
      MUST(pipe(ends));
      memset(room, 0, sizeof room);
      message.msg_control = room;
      message.msg_controllen = sizeof room;
      struct cmsghdr* control = CMSG_FIRSTHDR(&message);
      control->cmsg_level = SOL_SOCKET;
      control->cmsg_type = SCM_RIGHTS;
      control->cmsg_len = CMSG_LEN(sizeof(int));
      memcpy(CMSG_DATA(control), &ends[1], sizeof(int));
    }
    show("sendmsg", sendmsg(from, &message, 0), &message);
    struct iovec in[2] = {{head, sizeof head}, {tail, sizeof tail}};
    char control_room[256];
    struct msghdr got = {
        .msg_iov = in, .msg_iovlen = 2, .msg_control = control_room, .msg_controllen = sizeof control_room};
    memset(tail, 0, sizeof tail);
    long received = recvmsg(to, &got, 0);
    show("recvmsg", received, &got);
    say("  sum %lx", sum_of(tail, sizeof tail));
    struct cmsghdr* control = received < 0 ? NULL : CMSG_FIRSTHDR(&got);
    if (control == NULL) continue;
    int passed = -1;
    memcpy(&passed, CMSG_DATA(control), sizeof passed);
    MUST(write(passed, "through", 7));
    char back[8] = "";
    MUST(read(ends[0], back, 7));
    say("  descriptor %d says %s", passed, back);
    MUST(close(passed));
    MUST(close(ends[0]));
    MUST(close(ends[1]));
  }
}

static void datagrams(void) {
  int to = MUST(socket(AF_UNIX, SOCK_DGRAM, 0)), from = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
  struct sockaddr_un here = {.sun_family = AF_UNIX}, there = {.sun_family = AF_UNIX};
  snprintf(here.sun_path + 1, sizeof here.sun_path - 1, "rec-messages-to-%d", getpid());
  snprintf(there.sun_path + 1, sizeof there.sun_path - 1, "rec-messages-from-%d", getpid());
  MUST(bind(to, (struct sockaddr*)&here, sizeof here));
  MUST(bind(from, (struct sockaddr*)&there, sizeof there));
  for (int i = 0; i < 24; i++) {
    char text[64], back[24];
    int length = snprintf(text, sizeof text, "datagram number %d, and some more", i);
    struct sockaddr_un who;
    socklen_t room = i % 4 == 0 ? 5 : i % 4 == 1 ? 0 : sizeof who;
    memset(&who, 'w', sizeof who);
    say("sendto: %s", outcome(sendto(from, text, (size_t)length, 0, (struct sockaddr*)&here, sizeof here)));
    long got = recvfrom(to, back, sizeof back, MSG_TRUNC, i % 4 == 3 ? NULL : (struct sockaddr*)&who, &room);
    say("recvfrom: %s, address of %u, sum %lx", outcome(got), room, sum_of(back, sizeof back));
    say("  left alone: %d", ((char*)&who)[sizeof who - 1] == 'w');
    struct iovec piece = {text, (size_t)length};
    struct msghdr out = {.msg_name = &here, .msg_namelen = sizeof here, .msg_iov = &piece, .msg_iovlen = 1};
    show("sendmsg to", sendmsg(from, &out, 0), &out);
    struct iovec small = {back, i % 2 == 0 ? 0 : sizeof back};
    struct msghdr in = {
        .msg_name = &who, .msg_namelen = i % 3 == 0 ? 7 : sizeof who, .msg_iov = &small, .msg_iovlen = 1};
    show("recvmsg from", recvmsg(to, &in, 0), &in);
    show("nothing there", recvmsg(to, &in, MSG_DONTWAIT), &in);
  }
  MUST(close(to));
  MUST(close(from));
}

static void lengths(void) {
  int listener = MUST(socket(AF_INET, SOCK_STREAM, 0));
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  MUST(bind(listener, (struct sockaddr*)&address, sizeof address));
  MUST(listen(listener, 5));
  socklen_t room = sizeof address;
  MUST(getsockname(listener, (struct sockaddr*)&address, &room));
  for (int i = 0; i < 20; i++) {
    int client = MUST(socket(AF_INET, SOCK_STREAM | (i % 2 == 0 ? SOCK_CLOEXEC : 0), 0));
    MUST(connect(client, (struct sockaddr*)&address, sizeof address));
    struct sockaddr_storage who;
    room = i % 4 == 0 ? 3 : sizeof who;
    memset(&who, 0, sizeof who);
    int server = MUST(i % 2 == 0 ? accept(listener, (struct sockaddr*)&who, &room)
                                 : accept4(listener, NULL, NULL, SOCK_CLOEXEC));
    say("accepted %d, address of %u, family %d", server, room, ((struct sockaddr*)&who)->sa_family);
    room = (socklen_t)(i % 5 * 4);
    say("getpeername: %s", outcome(getpeername(client, (struct sockaddr*)&who, &room)));
    say("  %u bytes", room);
    room = (socklen_t)-1;
    say("negative room: %s", outcome(getsockname(client, (struct sockaddr*)&who, &room)));
    int value = 1;
    say("setsockopt: %s",
        outcome(setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &value, i % 3 == 0 ? 2 : sizeof value)));
    room = i % 3 == 0 ? 1 : 64;
    char option[64];
    memset(option, 'o', sizeof option);
    say("getsockopt: %s", outcome(getsockopt(client, IPPROTO_TCP, TCP_NODELAY, option, &room)));
    say("  %u bytes, %d then %c", room, option[0], option[room]);
    room = sizeof option;
    say("SO_TYPE: %s", outcome(getsockopt(server, SOL_SOCKET, SO_TYPE, option, &room)));
    say("no such option: %s", outcome(getsockopt(server, SOL_SOCKET, 12345, option, &room)));
    say("length nowhere: %s", outcome(getsockopt(server, SOL_SOCKET, SO_TYPE, option, nowhere(8))));
    say("option nowhere: %s",
        outcome(setsockopt(server, SOL_SOCKET, SO_KEEPALIVE, nowhere(8), sizeof value)));
    MUST(close(client));
    MUST(close(server));
  }
  MUST(close(listener));
}

static void refuse(int from, int to) {
  char* edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  MUST(munmap(edge + 4096, 4096));
  static struct iovec many[1025];
  for (int i = 0; i < 6; i++) {
    char text[16] = "text", back[16];
    struct iovec piece = {text, 4}, bad = {nowhere(8), 4};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    show("message nowhere", sendmsg(from, nowhere(8), 0), &message);
    show("message over the edge", sendmsg(from, (struct msghdr*)(void*)(edge + 4080), 0), &message);
    message.msg_iov = nowhere(8);
    show("list nowhere", sendmsg(from, &message, 0), &message);
    message.msg_iov = &bad;
    show("buffer nowhere", sendmsg(from, &message, 0), &message);
    message.msg_iov = many;
    message.msg_iovlen = 1025;
    show("too many", sendmsg(from, &message, 0), &message);
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_name = nowhere(8);
    message.msg_namelen = 16;
    show("name nowhere", sendmsg(from, &message, 0), &message);
    message.msg_name = NULL;
    show("sent", sendmsg(from, &message, 0), &message);
    struct iovec room = {back, sizeof back};
    struct msghdr in = {.msg_iov = &room, .msg_iovlen = 1, .msg_name = NULL, .msg_namelen = (socklen_t)-5};
    show("negative name", recvmsg(to, &in, MSG_DONTWAIT), &in);
    in.msg_namelen = 0;
    in.msg_control = nowhere(8);
    in.msg_controllen = 64;
    show("control nowhere", recvmsg(to, &in, MSG_DONTWAIT), &in);
    show("nothing left", recvmsg(to, &in, MSG_DONTWAIT), &in);
  }
}

static void pairs(void) {
  for (int i = 0; i < 12; i++) {
    int ends[2] = {-1, -1};
    say("pipe2: %s", outcome(pipe2(ends, i % 2 == 0 ? O_CLOEXEC : 0)));
    say("  %d %d", ends[0], ends[1]);
    MUST(write(ends[1], "x", 1));
    int copy = MUST(dup2(ends[0], 60 + i % 2));
    char c = 0;
    MUST(read(copy, &c, 1));
    say("  read %c from %d", c, copy);
    MUST(close(ends[0]));
    MUST(close(ends[1]));
    say("socketpair: %s", outcome(socketpair(AF_UNIX, SOCK_STREAM, 0, ends)));
    say("  %d %d", ends[0], ends[1]);
    say("pair nowhere: %s", outcome(pipe(nowhere(8))));
    MUST(close(ends[0]));
    MUST(close(ends[1]));
  }
}

int main(void) {
  int ends[2];
  MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends));
  pass_descriptors(ends[0], ends[1]);
  refuse(ends[0], ends[1]);
  datagrams();
  lengths();
  pairs();
  return 0;
}

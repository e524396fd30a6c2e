// Standard output and standard error move between descriptors while there is much to print: by dup, dup2,
// dup3, fcntl, close and open, in a message, to a file and back; and an exec in between has them, too.
#include <fcntl.h>
#include <sys/socket.h>

#include "target.h"

static int file = -1;

static void print(int fd, const char* what, int round) {
  char line[96];
  const int length = snprintf(line, sizeof line, "%s, round %d\n", what, round);
  EXPECT(write(fd, line, (size_t)length) == length);
}

static void print_some(int fd, const char* what, int round) {
  for (int i = 0; i < 5; ++i) print(fd, what, round);
}

static int pass(int fd) {
  int ends[2];
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
  char room[CMSG_SPACE(sizeof(int))] = "", byte = 'x';
  struct iovec one = {&byte, 1};
  struct msghdr message = {
      .msg_iov = &one, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
  struct cmsghdr* control = CMSG_FIRSTHDR(&message);
  control->cmsg_level = SOL_SOCKET;
  control->cmsg_type = SCM_RIGHTS;
  control->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(control), &fd, sizeof fd);
  EXPECT(sendmsg(ends[0], &message, 0) == 1);
  EXPECT(recvmsg(ends[1], &message, 0) == 1);
  int got = -1;
  memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof got);
  MUST(close(ends[0]));
  MUST(close(ends[1]));
  return got;
}

static void move_about(int round) {
  print_some(1, "to standard output", round);
  print_some(2, "to standard error", round);
  const int out = (int)MUST(dup(1));
  const int err = (int)MUST(fcntl(2, F_DUPFD_CLOEXEC, 10));
  print_some(out, "to a copy of the output", round);
  print_some(err, "to a copy of the error", round);
  MUST(dup2(file, 1));
  print_some(1, "not to be seen: in the file", round);
  MUST(dup3(file, 2, 0));
  print_some(2, "not to be seen: in the file, too", round);
  MUST(dup2(err, 1));  // >&2
  print_some(1, "to standard error, which is standard output now", round);
  MUST(close(2));
  EXPECT(fcntl(out, F_DUPFD, 2) == 2);
  print_some(2, "to standard output, which is standard error now", round);
  MUST(close(1));
  EXPECT(open("elsewhere", O_WRONLY | O_APPEND) == 1);
  print_some(1, "not to be seen: at the file's end", round);
  MUST(dup2(out, 1));
  MUST(dup2(err, 2));
  MUST(close(err));
  const int got = pass(out);
  print_some(got, "to what came in a message", round);
  MUST(close(got));
  MUST(close(out));
  EXPECT(write(got, "lost\n", 5) == -1 && errno == EBADF);
  EXPECT(open("elsewhere", O_WRONLY | O_APPEND) == out);
  print_some(out, "not to be seen: under a number that had been the output's", round);
  MUST(close(out));
}

int main(int argc, char** argv) {
  if (argc > 1) {
    for (int i = 0; i < 40; ++i) print(1 + i % 2, "after an exec", i);
    return 0;
  }
  char path[256] = "";
  MUST(readlink("/proc/self/exe", path, sizeof path - 1));
  enter_scratch();
  file = (int)MUST(open("elsewhere", O_CREAT | O_RDWR, 0600));
  for (int round = 0; round < 20; ++round) move_about(round);
  const off_t size = MUST(lseek(file, 0, SEEK_END));
  say("the file has %ld bytes", (long)size);
  MUST(unlink("elsewhere"));
  leave_scratch();
  const pid_t child = (pid_t)MUST(fork());
  if (child != 0) return reap(child);
  char* const arguments[] = {argv[0], "again", NULL};
  MUST(execv(path, arguments));
}

// Two threads that never sleep at once, so that one always waits for its turn: calls that could block, and do
// not, because there is something to be read, room to write, or nothing to wait for; and some that do block.
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "target.h"

enum { rounds = 300 };

static void* work(void* which) {
  long own = (long)which;
  unsigned long sum = 0;
  int ends[2], pair[2];
  MUST(pipe(ends));
  MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair));
  int epoll = MUST(epoll_create1(0));
  MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, pair[0], &(struct epoll_event){.events = EPOLLIN}));
  for (int i = 0; i < rounds; i++) {
    char text[32], back[32];
    int length = snprintf(text, sizeof text, "%ld %d", own, i);
    MUST(write(ends[1], text, (size_t)length));
    long got = MUST(read(ends[0], back, sizeof back));
    sum = sum * 31 + (unsigned long)got + (unsigned char)back[got - 1];
    struct epoll_event event;
    EXPECT(epoll_wait(epoll, &event, 1, 0) == 0);
    EXPECT(read(pair[0], back, sizeof back) == -1 && errno == EAGAIN);
    MUST(send(pair[1], text, (size_t)length, 0));
    EXPECT(epoll_wait(epoll, &event, 1, -1) == 1);
    sum = sum * 31 + (unsigned long)MUST(recv(pair[0], back, sizeof back, MSG_DONTWAIT));
    int file = MUST(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
    MUST(pread(file, back, 1, 3));
    sum = sum * 31 + (unsigned char)back[0];
    MUST(close(file));
    EXPECT(open("/nowhere/at/all", O_RDONLY) == -1);
    if (i % 100 == 99) {  // nothing comes
      struct pollfd one = {.fd = ends[0], .events = POLLIN};
      EXPECT(poll(&one, 1, 2) == 0);
      EXPECT(epoll_wait(epoll, &event, 1, 2) == 0);
    }
  }
  return (void*)sum;
}

// More than a pipe takes: whoever writes has to wait for the reader.
static void* fill(void* descriptor) {
  static char much[300000];
  int fd = (int)(long)descriptor;
  for (int i = 0; i < 3; i++) EXPECT(write(fd, much, sizeof much) == (long)sizeof much);
  MUST(close(fd));
  return NULL;
}

int main(void) {
  pthread_t threads[2];
  for (long i = 0; i < 2; i++) ZERO(pthread_create(&threads[i], NULL, work, (void*)i));
  for (int i = 0; i < 2; i++) {
    void* sum = NULL;
    ZERO(pthread_join(threads[i], &sum));
    say("sum %lx", (unsigned long)sum);
  }
  int ends[2];
  MUST(pipe(ends));
  ZERO(pthread_create(&threads[0], NULL, fill, (void*)(long)ends[1]));
  unsigned long total = 0;
  char back[1000];
  for (long got; (got = MUST(read(ends[0], back, sizeof back))) != 0;) total += (unsigned long)got;
  ZERO(pthread_join(threads[0], NULL));
  say("through the pipe: %lu", total);
  return 0;
}

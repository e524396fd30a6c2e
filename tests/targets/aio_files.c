// Files read and written by AIO: plainly, scattered, past the page cache, with an eventfd to tell; refused
// requests in the midst of a list.
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

#include "aio.h"

enum { page = 4096, pages = 16 };

static void refused(aio_context_t context, int fd, char* buffer) {
  struct iocb good = aio_request(IOCB_CMD_PREAD, fd, buffer, 3, 0);
  struct iocb bad = aio_request(77, fd, buffer, 3, 0);
  struct iocb closed = aio_request(IOCB_CMD_PREAD, 999, buffer, 3, 0);
  struct iocb* lists[][2] = {{&good, &bad}, {&bad, &good}, {&good, &closed}, {&good, NULL}};
  for (int i = 0; i < 4; ++i) {
    good.aio_key = bad.aio_key = 77;
    long result = aio_submit(context, 2, lists[i]);
    say("list %d: %s, keys %u and %u", i, outcome(result), good.aio_key, bad.aio_key);
    for (; result > 0; --result) say("read %lld: %.3s", aio_wait(context).res, buffer);
  }
  say("not a context: %s", outcome(aio_submit(context + 1, 2, lists[0])));
  say("a negative number: %s", outcome(aio_submit(context, -1, lists[0])));
  say("nothing: %s", outcome(aio_submit(context, 0, lists[0])));
}

// Many at once, which a disk ends in its own order.
static void many(aio_context_t context, const char* name) {
  int fd = aio_open_direct(name);
  char* memory = NULL;
  ZERO(posix_memalign((void**)&memory, page, pages * page));
  memset(memory, '?', pages * page);
  struct iocb requests[pages];
  struct iocb* list[pages];
  for (int i = 0; i < pages; ++i) {
    requests[i] = aio_request(IOCB_CMD_PREAD, fd, memory + i * page, page, (pages - 1 - i) * page);
    list[i] = &requests[i];
  }
  int submitted = 0;
  while (submitted < pages) submitted += (int)MUST(aio_submit(context, pages - submitted, list + submitted));
  // Whoever looks before asking sees at replay what was there when recording.
  int there = 0;
  for (int i = 0; i < pages; ++i) there += memory[i * page] != '?';
  say("%d buffers were filled already", there);
  struct io_event events[pages];
  for (int got = 0; got < pages;) {
    const long more = MUST(aio_events(context, 1, pages, events));
    for (long i = 0; i < more; ++i) {
      const int which = (int)((struct iocb*)(uintptr_t)events[i].obj - requests);
      say("request %d: %lld, %c", which, (long long)events[i].res, memory[which * page]);
    }
    got += (int)more;
  }
  struct iocb write = aio_request(IOCB_CMD_PWRITE, fd, memory, 2 * page, 4 * page);
  say("written directly: %lld", aio_do(context, &write));
  write = aio_request(IOCB_CMD_PWRITE, fd, memory + 1, page, 0);
  say("not aligned: %lld", aio_do(context, &write) < 0 ? -1LL : 0);
  MUST(close(fd));
  free(memory);
}

static void scattered(aio_context_t context, int fd) {
  char first[3] = "", second[5] = "", third[8] = "";
  struct iovec parts[] = {{first, 2}, {second, 4}, {third, 7}};
  struct iocb request = aio_request(IOCB_CMD_PREADV, fd, parts, 3, page - 5);
  const long long got = aio_do(context, &request);
  say("scattered: %lld %s %s %s", got, first, second, third);
  char text[] = "gathered", more[] = " from two";
  struct iovec from[] = {{text, 8}, {more, 9}};
  request = aio_request(IOCB_CMD_PWRITEV, fd, from, 2, 3);
  say("gathered: %lld", aio_do(context, &request));
  request = aio_request(IOCB_CMD_FSYNC, fd, NULL, 0, 0);
  say("synced: %lld", aio_do(context, &request));
  char line[32] = "";
  request = aio_request(IOCB_CMD_PREAD, fd, line, 22, 0);
  const long long back = aio_do(context, &request);
  say("read back: %lld %s", back, line);
}

static void told_by_eventfd(aio_context_t context, int fd) {
  const int told = (int)MUST(eventfd(0, EFD_NONBLOCK));
  char buffers[3][8];
  struct iocb requests[3];
  struct iocb* list[3];
  for (int i = 0; i < 3; ++i) {
    requests[i] = aio_request(IOCB_CMD_PREAD, fd, buffers[i], 8, i * page);
    requests[i].aio_flags = IOCB_FLAG_RESFD;
    requests[i].aio_resfd = (unsigned)told;
    list[i] = &requests[i];
  }
  MUST(aio_submit(context, 3, list));
  uint64_t completed = 0;
  while (completed < 3) {
    struct pollfd wait = {.fd = told, .events = POLLIN};
    MUST(poll(&wait, 1, -1));
    uint64_t more = 0;
    MUST(read(told, &more, sizeof more));
    completed += more;
  }
  struct io_event events[3];
  say("events: %ld", (long)MUST(aio_events(context, 0, 3, events)));
  for (int i = 0; i < 3; ++i) say("%.8s", buffers[i]);
  MUST(close(told));
}

int main(void) {
  enter_scratch();
  const int fd = (int)MUST(open("data", O_RDWR | O_CREAT | O_EXCL, 0600));
  char* content = (char*)malloc(pages * page);
  for (int i = 0; i < pages; ++i) memset(content + i * page, 'a' + i, page);
  MUST(write(fd, content, pages * page));
  free(content);
  MUST(fsync(fd));
  aio_context_t context = aio_setup(2 * pages);
  aio_context_t used = context;
  say("set up twice: %s", outcome(syscall(SYS_io_setup, 1, &used)));
  char buffer[4] = "";
  refused(context, fd, buffer);
  scattered(context, fd);
  told_by_eventfd(context, fd);
  many(context, "data");
  aio_destroy(context);
  say("destroyed twice: %s", outcome(syscall(SYS_io_destroy, context)));
  MUST(close(fd));
  MUST(unlink("data"));
  leave_scratch();
  return 0;
}

// What AIO writes to a file shows in mappings of it, also in those of other processes.
#include <sys/mman.h>

#include "aio.h"

enum { page = 4096 };

int main(void) {
  enter_scratch();
  const int fd = (int)MUST(open("data", O_RDWR | O_CREAT | O_EXCL, 0600));
  const int direct = aio_open_direct("data");
  const int end = (int)MUST(open("data", O_WRONLY | O_APPEND));
  MUST(ftruncate(fd, 2 * page));
  char* shared = (char*)MUST(mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  int go[2], done[2];
  MUST(pipe(go));
  MUST(pipe(done));
  const pid_t child = (pid_t)MUST(fork());
  if (child == 0) {
    const char* seen = (const char*)MUST(mmap(NULL, 4 * page, PROT_READ, MAP_PRIVATE, fd, 0));
    char byte = 0;
    while (read(go[0], &byte, 1) == 1 && byte != 'q') {
      say("the child sees %.9s, %.9s", seen, seen + page);
      MUST(write(done[1], "d", 1));
    }
    _exit(0);
  }
  aio_context_t context = aio_setup(4);
  char* memory = NULL;
  ZERO(posix_memalign((void**)&memory, page, page));
  char text[10];
  for (int i = 0; i < 4; ++i) {
    snprintf(text, sizeof text, "written %d", i);
    snprintf(memory, page, "direct %d.", i);
    struct iocb first = aio_request(IOCB_CMD_PWRITE, fd, text, 9, 0);
    struct iocb second = aio_request(IOCB_CMD_PWRITE, direct, memory, page, page);
    struct iocb* list[] = {&first, &second};
    for (int given = 0; given < 2;) given += (int)MUST(aio_submit(context, 2 - given, list + given));
    struct io_event events[2];
    for (int got = 0; got < 2;) got += (int)MUST(aio_events(context, 1, 2, events));
    say("mapped here: %.9s, %.9s", shared, shared + page);
    MUST(write(go[1], "g", 1));
    char byte;
    MUST(read(done[0], &byte, 1));
  }
  struct iocb more = aio_request(IOCB_CMD_PWRITE, end, "at the end", 10, 0);
  const long long added = aio_do(context, &more);
  say("added: %lld, %.10s", added, shared + 2 * page);
  say("still: %.9s", shared);
  MUST(write(go[1], "q", 1));
  reap(child);
  aio_destroy(context);
  MUST(unlink("data"));
  leave_scratch();
  return 0;
}

// Files that one process has mapped, shared and private, and that another one which has no such mapping
// writes to, cuts off and lets grow.
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

#include "target.h"

enum { page = 4096, pages = 3 };

static sigjmp_buf back;

static void on_bus_error(int signal) {
  (void)signal;
  siglongjmp(back, 1);
}

static void show(const char* when, const char* kind, const char* memory) {
  for (int i = 0; i < pages; ++i) {
    if (sigsetjmp(back, 1) == 0)
      say("%s, %s page %d: '%.9s'", when, kind, i, memory + i * page);
    else
      say("%s, %s page %d: behind the end", when, kind, i);
  }
}

static int request[2], answer[2];

static void tell(int fd) { MUST(write(fd, "x", 1)); }

static void wait_for(int fd) {
  char byte = 0;
  EXPECT(read(fd, &byte, 1) == 1);
}

// Has nothing mapped of the file, and a descriptor of its own.
static void change_file(const char* path) {
  wait_for(request[0]);
  const int fd = (int)MUST(open(path, O_RDWR));
  MUST(pwrite(fd, "one", 4, 0));
  tell(answer[1]);
  wait_for(request[0]);
  MUST(lseek(fd, page, SEEK_SET));
  MUST(write(fd, "two", 4));
  tell(answer[1]);
  wait_for(request[0]);
  const int from = (int)MUST(memfd_create("from", 0));
  MUST(write(from, "copied", 7));
  off_t in = 0, out = 2 * page;
  // From another file system some kernels refuse.
  if (copy_file_range(from, &in, fd, &out, 7, 0) != 7) MUST(pwrite(fd, "copied", 7, 2 * page));
  tell(answer[1]);
  wait_for(request[0]);
  MUST(ftruncate(fd, page + 2));
  tell(answer[1]);
  wait_for(request[0]);
  MUST(ftruncate(fd, pages * page));
  MUST(pwrite(fd, "three", 6, 2 * page));
  tell(answer[1]);
  wait_for(request[0]);
  MUST(truncate(path, 0));
  tell(answer[1]);
  wait_for(request[0]);
  const int again = (int)MUST(open(path, O_WRONLY | O_TRUNC));
  MUST(write(again, "new", 4));
  tell(answer[1]);
  _exit(0);
}

static void let_change(void) {
  tell(request[1]);
  wait_for(answer[0]);
}

int main(void) {
  enter_scratch();
  struct sigaction action = {.sa_handler = on_bus_error};
  MUST(sigaction(SIGBUS, &action, NULL));
  MUST(pipe(request));
  MUST(pipe(answer));
  const int fd = (int)MUST(open("file", O_RDWR | O_CREAT | O_EXCL, 0600));
  MUST(ftruncate(fd, pages * page));
  const pid_t child = (pid_t)MUST(fork());
  if (child == 0) {
    MUST(close(fd));
    change_file("file");
  }
  char* shared = mmap(NULL, pages * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  const int reader = (int)MUST(open("file", O_RDONLY));
  char* private = mmap(NULL, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, reader, 0);
  EXPECT(shared != MAP_FAILED && private != MAP_FAILED);
  strcpy(private + page, "own");
  static const char* const steps[] = {"written", "written behind",  "copied", "cut off",
                                      "grown",   "cut by its name", "opened"};
  for (size_t i = 0; i < sizeof steps / sizeof steps[0]; ++i) {
    let_change();
    show(steps[i], "shared", shared);
    show(steps[i], "private", private);
  }
  reap(child);
  MUST(unlink("file"));
  leave_scratch();
  return 0;
}

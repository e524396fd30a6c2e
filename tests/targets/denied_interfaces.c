// A program that asks for io_uring, userfaultfd, perf events and remap_file_pages lives with a refusal
// of each.
#include <linux/perf_event.h>
#include <sys/mman.h>

#include "target.h"

static void show(const char* name, long result) {
  say("%s: %s", name, result >= 0 ? "granted" : strerror(errno));
}

int main(void) {
  char parameters[120] = {0};
  struct perf_event_attr event = {
      .type = PERF_TYPE_SOFTWARE, .size = sizeof event, .config = PERF_COUNT_SW_CPU_CLOCK};
  show("io_uring_setup", syscall(SYS_io_uring_setup, 4, parameters));
  show("userfaultfd", syscall(SYS_userfaultfd, 1));
  show("perf_event_open", syscall(SYS_perf_event_open, &event, 0, -1, -1, 0));
  char* pages = (char*)MUST(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  strcpy(pages, "first page");
  strcpy(pages + 4096, "second page");
  show("remap_file_pages", syscall(SYS_remap_file_pages, pages, 4096, 0, 1, 0));
  say("first there: %s", pages);
  return 0;
}

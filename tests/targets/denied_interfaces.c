// A program that asks for io_uring, userfaultfd, AIO and perf events lives with a refusal of each.
#include <linux/aio_abi.h>
#include <linux/perf_event.h>

#include "target.h"

static void show(const char* name, long result) {
  say("%s: %s", name, result >= 0 ? "granted" : strerror(errno));
}

int main(void) {
  char parameters[120] = {0};
  aio_context_t context = 0;
  struct perf_event_attr event = {
      .type = PERF_TYPE_SOFTWARE, .size = sizeof event, .config = PERF_COUNT_SW_CPU_CLOCK};
  show("io_uring_setup", syscall(SYS_io_uring_setup, 4, parameters));
  show("userfaultfd", syscall(SYS_userfaultfd, 1));
  show("perf_event_open", syscall(SYS_perf_event_open, &event, 0, -1, -1, 0));
  long result = syscall(SYS_io_setup, 4, &context);
  show("io_setup", result);
  if (result == 0) syscall(SYS_io_destroy, context);
  return 0;
}

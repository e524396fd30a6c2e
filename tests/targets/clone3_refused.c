// clone3 with a too short structure and with unknown flags fails and changes nothing.
#include <linux/sched.h>

#include "target.h"

int main(void) {
  struct clone_args arguments = {.flags = 1ULL << 62};
  long first = syscall(SYS_clone3, &arguments, 8);
  int first_error = errno;
  long second = syscall(SYS_clone3, &arguments, sizeof arguments);
  int second_error = errno;
  say("%ld %s, %ld %s", first, strerror(first_error), second, strerror(second_error));
  return first == -1 && second == -1 ? 0 : 1;
}

// A 64-bit program that makes calls by int $0x80 gets ENOSYS for each, as from a kernel without them, and
// goes on: nothing of what they ask for happens.
#include <signal.h>

#include "target.h"

static long call_32_bit(long number, long first, long second, long third) {
  long result = number;
  __asm__ volatile("int $0x80"
                   : "+a"(result)
                   : "b"(first), "c"(second), "d"(third)
                   : "memory", "r8", "r9", "r10", "r11");
  return result;
}

// As a kernel that was started without 32-bit calls answers the instruction itself.
static void on_fault(int signal) {
  (void)signal;
  say("no int $0x80 here");
  _exit(6);
}

int main(void) {
  signal(SIGSEGV, on_fault);
  enum { exit_32 = 1, fork_32 = 2, write_32 = 4, getpid_32 = 20 };
  static const char text[] = "not to be seen\n";
  say("getpid: %ld", call_32_bit(getpid_32, 0, 0, 0));
  say("write: %ld", call_32_bit(write_32, 1, (long)text, sizeof text - 1));
  say("fork: %ld", call_32_bit(fork_32, -1, -1, -1));
  say("no such call: %ld", call_32_bit(-1, 0, 0, 0));
  EXPECT(call_32_bit(exit_32, 7, 0, 0) == -ENOSYS);
  for (int i = 0; i < 100; i++) {
    EXPECT(call_32_bit(getpid_32, i, 0, 0) == -ENOSYS);
    EXPECT(getpid() > 0);
  }
  say("x32: %s", outcome(syscall(0x40000000 + SYS_getpid)));
  say("still here");
  return 6;
}

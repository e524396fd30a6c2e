// A vfork child executes a program while its parent waits for the exec.
#include "target.h"

int main(void) {
  pid_t child = vfork();
  if (child == 0) {
    execl("/bin/echo", "echo", "from the vfork child", (char*)NULL);
    _exit(99);
  }
  MUST(child);
  reap(child);
  say("parent %d", getpid());
  return 0;
}

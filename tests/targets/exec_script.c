// Executing a script starts its interpreter with the script's name.
#include <fcntl.h>
#include <sys/stat.h>

#include "target.h"

int main(void) {
  enter_scratch();
  int fd = (int)MUST(open("greet", O_CREAT | O_WRONLY | O_CLOEXEC, 0755));
  const char script[] = "#!/bin/sh -u\necho \"$0 says $1, $$\"\nexit 9\n";
  MUST(write(fd, script, sizeof script - 1));
  close(fd);
  pid_t child = (pid_t)MUST(fork());
  if (child == 0) {
    execl("./greet", "greet", "hello", (char*)NULL);
    _exit(99);
  }
  int status = reap(child);
  MUST(unlink("greet"));
  leave_scratch();
  return WEXITSTATUS(status);
}

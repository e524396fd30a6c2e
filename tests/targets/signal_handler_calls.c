// A handler makes calls of its own, forks among them, while it interrupts a blocked wait.
#include <fcntl.h>
#include <signal.h>
#include <sys/time.h>

#include "target.h"

static int ends[2];

static void handler(int signal) {
  int saved = errno;
  pid_t child = (pid_t)MUST(fork());
  if (child == 0) {
    say("child of the handler: %d", getpid());
    _exit(signal);
  }
  reap(child);
  int fd = (int)MUST(open("/dev/null", O_RDONLY));
  say("handler got descriptor %d", fd);
  close(fd);
  MUST(write(ends[1], "handler", 7));
  errno = saved;
}

int main(void) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
  MUST(sigaction(SIGALRM, &action, NULL));
  MUST(pipe(ends));
  struct itimerval timer = {{0, 0}, {0, 15000}};
  MUST(setitimer(ITIMER_REAL, &timer, NULL));
  char text[16] = "";
  ssize_t size = MUST(read(ends[0], text, sizeof text - 1));
  say("main read %zd: %s", size, text);
  return 0;
}

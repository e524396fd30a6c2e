// A record lock held by the parent blocks the child until it is released; so does flock.
#include <fcntl.h>
#include <sys/file.h>

#include "target.h"

int main(void) {
  enter_scratch();
  int fd = (int)MUST(open("file", O_CREAT | O_RDWR, 0600)), ends[2];
  MUST(pipe(ends));
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 20};
  MUST(fcntl(fd, F_SETLK, &lock));
  MUST(flock(fd, LOCK_EX));
  pid_t child = (pid_t)MUST(fork());
  if (child == 0) {
    struct flock asked = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 100},
                 wanted = asked;
    MUST(fcntl(fd, F_GETLK, &asked));
    say("held by %d from %ld for %ld, try: %s", asked.l_pid, (long)asked.l_start, (long)asked.l_len,
        outcome(fcntl(fd, F_SETLK, &wanted)));
    int own = (int)MUST(open("file", O_RDWR));
    say("flock: %s", outcome(flock(own, LOCK_EX | LOCK_NB)));
    MUST(write(ends[1], "x", 1));
    MUST(fcntl(fd, F_SETLKW, &wanted));
    say("child has the record lock");
    MUST(flock(own, LOCK_SH));
    say("child has the file lock");
    return 0;
  }
  char byte;
  MUST(read(ends[0], &byte, 1));
  usleep(5000);
  lock.l_type = F_UNLCK;
  MUST(fcntl(fd, F_SETLK, &lock));
  usleep(5000);
  MUST(flock(fd, LOCK_UN));
  reap(child);
  MUST(unlink("file"));
  leave_scratch();
  return 0;
}

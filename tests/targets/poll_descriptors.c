// poll and select tell which of several pipes are readable, writable or closed.
#include <poll.h>
#include <sys/select.h>

#include "target.h"

int main(void) {
  int ends[4][2];
  for (int i = 0; i < 4; i++) MUST(pipe(ends[i]));
  MUST(write(ends[1][1], "x", 1));
  MUST(close(ends[2][1]));
  MUST(close(ends[3][0]));
  struct pollfd waits[6] = {{ends[0][0], POLLIN, 0}, {ends[1][0], POLLIN | POLLPRI, 0},
                            {ends[2][0], POLLIN, 0}, {ends[3][1], POLLOUT, 0},
                            {-1, POLLIN, 0},         {99, POLLIN, 0}};
  long polled = MUST(poll(waits, 6, 100));
  say("poll %ld: %#x %#x %#x %#x %#x %#x", polled, waits[0].revents, waits[1].revents, waits[2].revents,
      waits[3].revents, waits[4].revents, waits[5].revents);
  fd_set in, out;
  FD_ZERO(&in);
  FD_ZERO(&out);
  for (int i = 0; i < 3; i++) FD_SET(ends[i][0], &in);
  FD_SET(ends[0][1], &out);
  struct timeval time = {2, 0};
  int ready = select(64, &in, &out, NULL, &time);
  say("select %d: %d %d %d, %d", ready, FD_ISSET(ends[0][0], &in), FD_ISSET(ends[1][0], &in),
      FD_ISSET(ends[2][0], &in), FD_ISSET(ends[0][1], &out));
  FD_ZERO(&in);
  FD_SET(ends[0][0], &in);
  time = (struct timeval){0, 3000};
  ready = select(64, &in, NULL, NULL, &time);
  say("timed out: %d, left %ld", ready, (long)time.tv_usec);
  return 0;
}

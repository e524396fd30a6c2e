// A handled signal interrupts poll, select, epoll_wait, ppoll and pselect, whatever SA_RESTART says.
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/time.h>

#include "target.h"

static volatile sig_atomic_t ticks;

static void handler(int signal) { ticks += signal == SIGALRM; }

int main(void) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
  MUST(sigaction(SIGALRM, &action, NULL));
  int ends[2], set = (int)MUST(epoll_create1(0));
  MUST(pipe(ends));
  struct epoll_event event = {.events = EPOLLIN}, got;
  MUST(epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event));
  struct itimerval timer = {{0, 0}, {0, 15000}};
  for (int i = 0; i < 5; i++) {
    struct pollfd wait = {ends[0], POLLIN, 0};
    struct timeval time = {5, 0};
    struct timespec exact = {5, 0};
    fd_set descriptors;
    FD_ZERO(&descriptors);
    FD_SET(ends[0], &descriptors);
    MUST(setitimer(ITIMER_REAL, &timer, NULL));
    int result = 0;
    errno = 0;
    switch (i) {
      case 0:
        result = poll(&wait, 1, 5000);
        break;
      case 1:
        result = select(ends[0] + 1, &descriptors, NULL, NULL, &time);
        break;
      case 2:
        result = epoll_wait(set, &got, 1, 5000);
        break;
      case 3:
        result = ppoll(&wait, 1, &exact, NULL);
        break;
      case 4:
        result = pselect(ends[0] + 1, &descriptors, NULL, NULL, &exact, NULL);
        break;
    }
    say("call %d: %d %s, %ld.%06ld", i, result, strerror(errno), (long)time.tv_sec, (long)time.tv_usec);
  }
  return ticks;
}

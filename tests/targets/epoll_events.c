// epoll reports level and edge triggered events, one-shot ones and a timeout, with their data words.
#include <sys/epoll.h>

#include "target.h"

static void wait_for(int set, const char* name) {
  struct epoll_event events[8];
  long count = MUST(epoll_pwait(set, events, 8, 5, NULL));
  say("%s: %ld events", name, count);
  for (long i = 0; i < count; i++)
    say("  %#x %llx", events[i].events, (unsigned long long)events[i].data.u64);
}

int main(void) {
  int set = (int)MUST(epoll_create1(EPOLL_CLOEXEC)), ends[3][2];
  unsigned kinds[3] = {EPOLLIN, EPOLLIN | EPOLLET, EPOLLIN | EPOLLONESHOT};
  for (int i = 0; i < 3; i++) {
    MUST(pipe(ends[i]));
    struct epoll_event event = {.events = kinds[i], .data.u64 = 0xabc000000000ULL + (unsigned)i};
    MUST(epoll_ctl(set, EPOLL_CTL_ADD, ends[i][0], &event));
  }
  wait_for(set, "empty");
  for (int i = 0; i < 3; i++) MUST(write(ends[i][1], "xy", 2));
  wait_for(set, "first");
  wait_for(set, "second");
  MUST(write(ends[1][1], "z", 1));
  MUST(write(ends[2][1], "z", 1));
  wait_for(set, "third");
  for (int i = 0; i < 3; i++) MUST(close(ends[i][1]));
  wait_for(set, "closed");
  return 0;
}

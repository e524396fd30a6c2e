// eventfd counts and blocks a thread, timerfd expires, both seen by poll.
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>

#include "target.h"

static int event;

static void* add(void* unused) {
  usleep(5000);
  MUST(eventfd_write(event, 5));
  return unused;
}

int main(void) {
  event = (int)MUST(eventfd(3, EFD_CLOEXEC));
  eventfd_t value;
  MUST(eventfd_read(event, &value));
  say("eventfd had %llu", (unsigned long long)value);
  pthread_t thread;
  ZERO(pthread_create(&thread, NULL, add, NULL));
  MUST(eventfd_read(event, &value));
  say("the thread added %llu", (unsigned long long)value);
  ZERO(pthread_join(thread, NULL));
  int timer = (int)MUST(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
  struct itimerspec setting = {{0, 3000000}, {0, 3000000}}, left;
  MUST(timerfd_settime(timer, 0, &setting, NULL));
  uint64_t expirations = 0;
  for (int i = 0; i < 3; i++) {
    struct pollfd wait = {timer, POLLIN, 0};
    MUST(poll(&wait, 1, 1000));
    MUST(read(timer, &expirations, sizeof expirations));
    MUST(timerfd_gettime(timer, &left));
    say("expired %llu times, left %ld ns", (unsigned long long)expirations, left.it_value.tv_nsec);
  }
  setting.it_interval = setting.it_value = (struct timespec){0, 0};
  MUST(timerfd_settime(timer, 0, &setting, NULL));
  say("off: %s", outcome(read(timer, &expirations, 8)));
  return 0;
}

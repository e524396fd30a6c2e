// A thread blocks in calls of the agent's while others wake up again and again: it has to give way to them,
// and must not see that. epoll_wait(2) is not restarted by the kernel, poll(2), nanosleep(2) and read(2) are.
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>

#include "target.h"

static volatile int ended;
static int wakes;

// Computes and calls a little every other millisecond, without telling anyone.
static void* wake_up(void* unused) {
  while (!ended) {
    MUST(nanosleep(&MS(2), NULL));
    __atomic_fetch_add(&wakes, 1, __ATOMIC_RELAXED);
    MUST(getppid());
  }
  return unused;
}

static void* write_later(void* fd) {
  const uint64_t value = 1 + (uint64_t)getpid() % 7;
  for (int i = 0; i < 10; i++) {
    MUST(nanosleep(&MS(5), NULL));
    EXPECT(write(*(int*)fd, &value, sizeof value) == sizeof value);
  }
  return NULL;
}

static long since(const struct timespec* start) {
  struct timespec now;
  MUST(clock_gettime(CLOCK_MONOTONIC, &now));
  return (now.tv_sec - start->tv_sec) * 1000 + (now.tv_nsec - start->tv_nsec) / 1000000;
}

int main(void) {
  int events = (int)MUST(eventfd(0, EFD_SEMAPHORE));
  int epoll = (int)MUST(epoll_create1(0));
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = 5};
  MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, events, &event));
  pthread_t waker, writer;
  ZERO(pthread_create(&waker, NULL, wake_up, NULL));

  for (int i = 0; i < 3; i++) {
    struct timespec start;
    MUST(clock_gettime(CLOCK_MONOTONIC, &start));
    EXPECT(MUST(epoll_wait(epoll, &event, 1, 60)) == 0);
    EXPECT(since(&start) >= 59);
    MUST(clock_gettime(CLOCK_MONOTONIC, &start));
    EXPECT(MUST(poll(NULL, 0, 40)) == 0);
    EXPECT(since(&start) >= 39);
    MUST(clock_gettime(CLOCK_MONOTONIC, &start));
    MUST(nanosleep(&MS(30), NULL));
    EXPECT(since(&start) >= 29);
  }

  ZERO(pthread_create(&writer, NULL, write_later, &events));
  uint64_t sum = 0, value;
  const uint64_t all = 10 * (1 + (uint64_t)getpid() % 7);
  while (sum < all) {
    EXPECT(MUST(epoll_wait(epoll, &event, 1, -1)) == 1);
    EXPECT(event.data.u64 == 5);
    EXPECT(MUST(read(events, &value, sizeof value)) == sizeof value);
    sum += value;
    if (sum + 2 < all) {  // without asking first
      EXPECT(MUST(read(events, &value, sizeof value)) == sizeof value);
      sum += value;
    }
  }
  ended = 1;
  ZERO(pthread_join(waker, NULL));
  ZERO(pthread_join(writer, NULL));
  say("read %lu, woke %s", (unsigned long)sum, wakes > 10 ? "often" : "seldom");
  return 0;
}

// A thread watches the buffer that another one's blocking read and poll will fill, yielding in between: when
// it sees the bytes depends on the order of turns alone.
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/uio.h>

#include "target.h"

static volatile char buffer[2][8];
static int ends[2];

static void* reader(void* unused) {
  (void)unused;
  struct iovec pieces[2] = {{(void*)buffer[0], 4}, {(void*)buffer[1], 4}};
  MUST(readv(ends[0], pieces, 2));
  return NULL;
}

static void* writer(void* unused) {
  (void)unused;
  struct timespec pause = {0, 2000000};
  nanosleep(&pause, NULL);
  MUST(write(ends[1], "abcdefgh", 8));
  return NULL;
}

int main(void) {
  for (int round = 0; round < 5; round++) {
    buffer[0][0] = buffer[1][3] = 0;
    MUST(pipe(ends));
    pthread_t first, second;
    pthread_create(&first, NULL, reader, NULL);
    pthread_create(&second, NULL, writer, NULL);
    int looks = 0;
    while (buffer[0][0] == 0 || buffer[1][3] == 0) {
      looks++;
      sched_yield();
    }
    say("seen after %d looks: %.4s %.4s", looks, (const char*)buffer[0], (const char*)buffer[1]);
    pthread_join(first, NULL);
    pthread_join(second, NULL);
    close(ends[0]);
    close(ends[1]);
  }
  return 0;
}

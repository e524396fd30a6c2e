// Reads of which few fit into the agent's ring at once, with signals in between, and threads that wait.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#include "target.h"

enum { piece = 128 << 10, pieces = 8, reads = 300 };

static volatile int alarms;
static int fd;

static void on_alarm(int signal) {
  (void)signal;
  alarms++;
}

static unsigned long read_all(unsigned char* to, int times) {
  unsigned long sum = 0;
  for (int i = 0; i < times; i++) {
    long got = MUST(pread(fd, to, piece, (long)(i % pieces) * piece));
    for (long k = 0; k < got; k += 997) sum = sum * 31 + to[k];
    sum += (unsigned long)MUST(getppid() != 0);
  }
  return sum;
}

static void* run(void* argument) {
  (void)argument;
  static _Thread_local unsigned char data[piece];
  return (void*)read_all(data, reads);
}

int main(void) {
  static unsigned char data[pieces * piece];
  char path[] = "/tmp/rec-ring-XXXXXX";
  fd = MUST(mkstemp(path));
  MUST(unlink(path));
  for (unsigned i = 0; i < sizeof data; i++) data[i] = (unsigned char)(i * 2654435761u >> 13);
  MUST(write(fd, data, sizeof data));
  say("alone: %lx", read_all(data, reads));

  signal(SIGALRM, on_alarm);
  struct itimerval often = {{0, 700}, {0, 700}};
  MUST(setitimer(ITIMER_REAL, &often, NULL));
  say("interrupted: %lx", read_all(data, reads));
  struct itimerval never = {{0, 0}, {0, 0}};
  MUST(setitimer(ITIMER_REAL, &never, NULL));
  say("alarms: %d", alarms);

  pthread_t threads[2];
  for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, run, NULL);
  for (int i = 0; i < 2; i++) {
    void* sum;
    pthread_join(threads[i], &sum);
    say("thread %d: %lx", i, (unsigned long)sum);
  }
  return 0;
}

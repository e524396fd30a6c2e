// Reads of much that no read had before, while tasks fork, execute another program and end right behind them:
// what the agent wrote down of them is still being written to the trace then.
#include <fcntl.h>
#include <pthread.h>

#include "target.h"

enum { piece = 128 << 10, pieces = 24, shift = 4099 };

static int fd;

// Each `start` makes other bytes of it.
static unsigned long read_some(unsigned char* to, int start, int times) {
  unsigned long sum = 0;
  for (int i = 0; i < times; i++) {
    long got = MUST(pread(fd, to, piece, (long)(i % pieces) * piece + (long)start * shift));
    for (long k = 0; k < got; k += 997) sum = sum * 31 + to[k];
  }
  return sum;
}

static void* run(void* start) {
  static _Thread_local unsigned char data[piece];
  return (void*)read_some(data, (int)(long)start, 2 * pieces);
}

static void fill(void) {
  static uint64_t data[(pieces + 4) * piece / sizeof(uint64_t)];
  uint64_t x = 88172645463325252;
  for (unsigned i = 0; i < sizeof data / sizeof *data; i++) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    data[i] = x;
  }
  for (unsigned done = 0; done < sizeof data;)
    done += (unsigned)MUST(write(fd, (char*)data + done, sizeof data - done));
}

int main(int argc, char** argv) {
  static unsigned char data[piece];
  if (argc > 2) {
    fd = atoi(argv[1]);
    say("program %s: %lx", argv[2], read_some(data, 40 + atoi(argv[2]), pieces));
    return 0;
  }
  char path[] = "/tmp/rec-rings-XXXXXX";
  fd = MUST(mkstemp(path));
  MUST(unlink(path));
  fill();
  say("alone: %lx", read_some(data, 0, 3 * pieces));

  for (int round = 0; round < 3; round++) {
    pthread_t threads[2];
    for (long i = 0; i < 2; i++) pthread_create(&threads[i], NULL, run, (void*)(1 + 2 * round + i));
    for (int i = 0; i < 2; i++) {
      void* sum;
      pthread_join(threads[i], &sum);
      say("thread %d: %lx", i, (unsigned long)sum);
    }
  }

  for (int child = 0; child < 4; child++) {
    unsigned long before = read_some(data, 10 + child, pieces);
    pid_t pid = MUST(fork());
    if (pid == 0) {
      before += read_some(data, 20 + child, pieces);
      char number[12], which[12];
      snprintf(number, sizeof number, "%d", fd);
      snprintf(which, sizeof which, "%d", child);
      if (child % 2 == 1) execl("/proc/self/exe", argv[0], number, which, NULL);
      say("child %d: %lx", child, before);
      _exit(0);
    }
    say("beside child %d: %lx", child, read_some(data, 30 + child, pieces));
    int status;
    MUST(waitpid(pid, &status, 0));
    say("child %d ended with %d", child, status);
  }
  return 0;
}

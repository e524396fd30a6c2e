// Calls with iovecs that have become hot: from none to more than the kernel takes, buffers that overlap the
// list, lists and buffers that lead nowhere, more data than the agent's ring holds.
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "target.h"

enum { most = 1025 };

static unsigned long sum_of(const unsigned char* bytes, size_t count) {
  unsigned long sum = 0;
  for (size_t i = 0; i < count; i++) sum = sum * 31 + bytes[i];
  return sum;
}

// Where nothing is: kept from the compiler, which knows better than to pass it.
static void* nowhere(long address) {
  void* volatile pointer = (void*)address;
  return pointer;
}

static void gather(int fd) {
  static unsigned char data[most * 8];
  for (size_t i = 0; i < sizeof data; i++) data[i] = (unsigned char)(i * 7);
  static struct iovec list[most];
  for (int i = 0; i < most; i++) list[i] = (struct iovec){data + i * 8, (size_t)(i % 9)};
  static const int counts[] = {0, 1, 2, 3, 63, 64, 199, 200, 201, 1024, 1025, -1};
  for (int round = 0; round < 4; round++) {
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
      say("writev of %d: %s", counts[i], outcome(writev(fd, list, counts[i])));
      say("pwritev of %d: %s", counts[i], outcome(pwritev(fd, list, counts[i], 100)));
    }
  }
}

static void scatter(int fd) {
  static unsigned char back[most * 8];
  static struct iovec list[most];
  static const int counts[] = {0, 1, 2, 5, 200, 201, 1024, 1025};
  unsigned long sum = 0;
  for (int round = 0; round < 6; round++) {
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
      for (int k = 0; k < most; k++) list[k] = (struct iovec){back + k * 8, (size_t)((k + round) % 9)};
      long got = preadv(fd, list, counts[i], round * 11);
      say("preadv of %d: %s", counts[i], outcome(got));
      MUST(lseek(fd, round * 3, SEEK_SET));
      say("readv of %d: %s", counts[i], outcome(readv(fd, list, counts[i])));
      say("preadv2 of %d: %s", counts[i], outcome(preadv2(fd, list, counts[i], -1, 0)));
      sum = sum * 17 + sum_of(back, sizeof back);
    }
  }
  say("sum %lx", sum);
}

// The list lies in the first of its own buffers: the kernel has taken it before it is written over.
static void overlap(int fd) {
  union {
    struct iovec list[3];
    unsigned char bytes[64];
  } both;
  unsigned char rest[32];
  for (int i = 0; i < 8; i++) {
    both.list[0] = (struct iovec){both.bytes, 40};
    both.list[1] = (struct iovec){rest, 5};
    both.list[2] = (struct iovec){rest + 5, 20};
    memset(rest, 0, sizeof rest);
    long got = MUST(preadv(fd, both.list, 3, i));
    say("overlapping: %ld %lx %lx", got, sum_of(both.bytes, 40), sum_of(rest, 25));
  }
}

static void refuse(int fd, int zero) {
  char* edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  MUST(munmap(edge + 4096, 4096));
  struct iovec good[2] = {{edge, 16}, {edge + 32, 16}};
  struct iovec bad[2] = {{edge, 16}, {nowhere(8), 16}};
  struct iovec across[2] = {{edge, 16}, {edge + 4090, 100}};
  struct iovec empty[2] = {{NULL, 0}, {edge, 16}};
  struct iovec huge[2] = {{edge, 16}, {edge, SIZE_MAX}};
  for (int i = 0; i < 5; i++) {
    say("good: %s", outcome(readv(zero, good, 2)));
    say("bad buffer, read: %s", outcome(readv(zero, bad, 2)));
    say("bad buffer, written: %s", outcome(pwritev(fd, bad, 2, 0)));
    say("across the edge: %s", outcome(readv(zero, across, 2)));
    say("nothing first: %s", outcome(readv(zero, empty, 2)));
    say("negative length: %s", outcome(readv(zero, huge, 2)));
    say("list from nowhere: %s", outcome(writev(fd, nowhere(16), 2)));
    say("list over the edge: %s", outcome(writev(fd, (struct iovec*)(void*)(edge + 4080), 2)));
    say("no such descriptor: %s", outcome(readv(12345, good, 2)));
  }
}

static void move_much(int zero) {
  size_t size = 700 << 10;
  unsigned char* much = malloc(3 * size);
  for (int i = 0; i < 4; i++) {
    memset(much, 1, 3 * size);
    struct iovec list[3] = {{much, size}, {much + size, 100}, {much + 2 * size, size}};
    say("much: %s", outcome(readv(zero, list, 3)));
    say("its ends: %d %d %d", much[size - 1], much[size + 99], much[size + 100]);
    // Room for more than comes.
    int ends[2];
    MUST(pipe(ends));
    MUST(write(ends[1], "few", 3));
    say("room for much: %s", outcome(readv(ends[0], list, 3)));
    MUST(close(ends[0]));
    MUST(close(ends[1]));
  }
  free(much);
}

int main(void) {
  char path[] = "/tmp/rec-vectors-XXXXXX";
  int fd = MUST(mkstemp(path));
  MUST(unlink(path));
  int zero = MUST(open("/dev/zero", O_RDONLY));
  gather(fd);
  scatter(fd);
  overlap(fd);
  refuse(fd, zero);
  move_much(zero);
  return 0;
}

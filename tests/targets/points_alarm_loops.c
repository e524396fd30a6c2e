// A timer's signals arrive in loops of many kinds; each handler's call leaves its mark on what the loop
// computes.
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "ticks.h"

enum { signals_each = 2 };

static unsigned long in_registers(void) {
  unsigned long value = 1, rounds = 0;
  while (ticks < signals_each) {
    value = value * 3 + rounds++;
  }
  return value;
}

static unsigned long bare_loop(void) {
  unsigned long rounds = 0;
  __asm__ volatile(
      "1: inc %0\n"
      "   cmp %2,%1\n"
      "   jg 1b\n"
      : "+r"(rounds)
      : "r"((long)signals_each), "m"(ticks));
  return rounds;
}

static volatile unsigned long cell;
static unsigned long in_memory(void) {
  cell = 0;
  while (ticks < signals_each) cell += 3;
  return cell;
}

static unsigned long nested(void) {
  unsigned long sum = 0;
  for (unsigned long i = 0; ticks < signals_each; ++i) {
    for (unsigned long k = 0; k < 1000; ++k) {
      for (unsigned long m = 0; m < 10; ++m) sum += i ^ k ^ m ^ mark;
    }
  }
  return sum;
}

static unsigned long fibonacci(unsigned n) {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2) + (mark & 1);
}
static unsigned long recursion(void) {
  unsigned long sum = 0;
  while (ticks < signals_each) sum += fibonacci(18);
  return sum;
}

static unsigned long string_moves(void) {
  static char from[1 << 16], to[1 << 16];
  unsigned long rounds = 0;
  while (ticks < signals_each) {
    void *source = from, *destination = to;
    unsigned long count = sizeof from;
    from[rounds % sizeof from] = (char)mark;
    __asm__ volatile("rep movsb" : "+S"(source), "+D"(destination), "+c"(count) : : "memory");
    ++rounds;
  }
  return rounds + (unsigned char)to[7];
}

typedef unsigned long wide __attribute__((vector_size(64)));
static unsigned long vectors(void) {
  wide sum = {0}, step = {1, 2, 3, 4, 5, 6, 7, 8};
  while (ticks < signals_each) {
    for (int i = 0; i < 1000; ++i) sum = (sum + step) ^ (sum >> 3);
  }
  unsigned long all = 0;
  for (int i = 0; i < 8; ++i) all += sum[i];
  return all;
}

static int by_value(const void* a, const void* b) {
  const unsigned left = *(const unsigned*)a, right = *(const unsigned*)b;
  return left < right ? -1 : left > right;
}
static unsigned long sorting(void) {
  static unsigned values[20000];
  unsigned seed = 1;
  unsigned long rounds = 0;
  while (ticks < signals_each) {
    for (size_t i = 0; i < 20000; ++i) values[i] = seed = seed * 1664525u + 1013904223u + (unsigned)mark;
    qsort(values, 20000, sizeof values[0], by_value);
    ++rounds;
  }
  return rounds + values[77];
}

static unsigned long allocating(void) {
  static void* kept[512];
  unsigned long sum = 0;
  for (size_t i = 0; ticks < signals_each; ++i) {
    free(kept[i % 512]);
    kept[i % 512] = malloc(16 + (i * 37 + mark) % 400);
    sum += (unsigned long)kept[i % 512] & 0xfff;
  }
  for (size_t i = 0; i < 512; ++i) {
    free(kept[i]);
    kept[i] = NULL;
  }
  return sum;
}

static double floating(void) {
  long double sum = 0;
  double term = 1;
  for (unsigned long i = 1; ticks < signals_each; ++i) {
    term = term * 0.999 + 1.0 / (double)i;
    sum += term;
  }
  return (double)sum;
}

static unsigned long interpreting(void) {
  static const unsigned char program[] = {0, 1, 2, 1, 0, 3, 2, 2, 1, 4};
  unsigned long accumulator = 1, steps = 0;
  for (size_t at = 0; ticks < signals_each; at = (at + 1) % sizeof program, ++steps) {
    switch (program[at]) {
      case 0:
        accumulator += steps;
        break;
      case 1:
        accumulator ^= accumulator << 7;
        break;
      case 2:
        accumulator ^= accumulator >> 9;
        break;
      case 3:
        accumulator += mark;
        break;
      default:
        accumulator = ~accumulator;
        break;
    }
  }
  return accumulator;
}

#define RUN(loop)                                      \
  do {                                                 \
    ticks = 0;                                         \
    printf("%s: %lu\n", #loop, (unsigned long)loop()); \
  } while (0)

int main(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_tick;
  action.sa_flags = SA_RESTART;
  sigaction(SIGALRM, &action, NULL);
  const struct itimerval every = {{0, 1000}, {0, 1000}};
  setitimer(ITIMER_REAL, &every, NULL);
  RUN(in_registers);
  RUN(bare_loop);
  RUN(in_memory);
  RUN(nested);
  RUN(recursion);
  RUN(string_moves);
  RUN(vectors);
  RUN(sorting);
  RUN(allocating);
  RUN(interpreting);
  RUN(floating);
  printf("mark %lx\n", mark);
  return 0;
}

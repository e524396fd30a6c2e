// Many lines in a row, alternating between standard output and standard error: of one process, then of three
// at the same time, and then of two threads.
#include <pthread.h>

#include "target.h"

static void print_line(const char* who, int number) {
  static const char filler[] = "............................................................";
  char line[128];
  const int length = snprintf(line, sizeof line, "%s %d%.*s\n", who, number, number % 60, filler);
  EXPECT(write(number % 2 == 0 ? 1 : 2, line, (size_t)length) == length);
}

static void print_lines(const char* who, int count) {
  for (int i = 0; i < count; ++i) print_line(who, i);
}

static void* print_in_thread(void* who) {
  print_lines(who, 300);
  return NULL;
}

int main(void) {
  print_lines("alone", 5000);
  pid_t children[2];
  for (int i = 0; i < 2; ++i) {
    children[i] = (pid_t)MUST(fork());
    if (children[i] != 0) continue;
    print_lines(i == 0 ? "first" : "second", 1500);
    return 0;
  }
  print_lines("parent", 1500);
  for (int i = 0; i < 2; ++i) EXPECT(reap(children[i]) == 0);
  pthread_t threads[2];
  ZERO(pthread_create(&threads[0], NULL, print_in_thread, "one"));
  ZERO(pthread_create(&threads[1], NULL, print_in_thread, "another"));
  for (int i = 0; i < 2; ++i) ZERO(pthread_join(threads[i], NULL));
  print_lines("at last", 100);
  return 0;
}

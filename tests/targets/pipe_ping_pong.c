// Parent and child pass a counter back and forth through two pipes.
#include "target.h"

int main(void) {
  int there[2], back[2], counter = 0;
  MUST(pipe(there));
  MUST(pipe(back));
  pid_t child = (pid_t)MUST(fork());
  int from = child == 0 ? there[0] : back[0];
  int to = child == 0 ? back[1] : there[1];
  if (child == 0) {
    close(there[1]);
    close(back[0]);
    while (read(from, &counter, sizeof counter) > 0) {
      counter = counter * 3 + getpid() % 5;
      MUST(write(to, &counter, sizeof counter));
    }
    return 0;
  }
  for (int i = 0; i < 200; i++) {
    counter += i;
    MUST(write(to, &counter, sizeof counter));
    MUST(read(from, &counter, sizeof counter));
    if (i % 40 == 0) say("%d: %d", i, counter);
  }
  close(to);
  reap(child);
  say("%d", counter);
  return 0;
}

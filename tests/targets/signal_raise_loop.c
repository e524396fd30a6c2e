// A thousand raised signals are a thousand handler calls.
#include <signal.h>

#include "target.h"

static volatile sig_atomic_t count;

static void handler(int signal) { count += signal == SIGUSR1; }

int main(void) {
  signal(SIGUSR1, handler);
  for (int i = 0; i < 1000; i++) raise(SIGUSR1);
  say("%d", (int)count);
  return count == 1000 ? 0 : 1;
}

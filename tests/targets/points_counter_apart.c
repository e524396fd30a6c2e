// A signal arrives in a loop that counts in a page to which neither the registers nor the code at the place
// of interruption lead: only the page itself tells one pass of the loop from the next.
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>

#include "target.h"

static unsigned long* counter;
static volatile sig_atomic_t done;

static void on_alarm(int signal) {
  (void)signal;
  done = 1;
}

__attribute__((noinline, aligned(4096))) static void work(void) {
  for (unsigned i = 0; i < 4000; i++) __asm__ volatile("" : "+r"(i));
}

__attribute__((noinline, aligned(4096))) static void count(void) { ++*counter; }

__attribute__((noinline, aligned(4096))) static void work_until_signalled(void) {
  while (!done) {
    work();
    count();
  }
}

int main(void) {
  counter = (unsigned long*)MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  for (int i = 0; i < 40; i++) {  // others that could be taken for it
    char* page = (char*)MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    *page = 1;
  }
  signal(SIGALRM, on_alarm);
  const struct itimerval soon = {.it_value = {.tv_usec = 400000}};
  MUST(setitimer(ITIMER_REAL, &soon, NULL));
  work_until_signalled();
  say("counted to %lu", *counter);
  return 0;
}

// Two threads take the same job off a queue.
#include "race.h"

static volatile int next_job, done[2];

static void* work(void* unused) {
  const int job = next_job;
  if (job < 2) {
    next_job = job + 1;
    ++done[job];
  }
  return unused;
}

int main(void) {
  pthread_t other = race_thread(work, NULL);
  work(NULL);
  pthread_join(other, NULL);
  race_check(done[0] == 1 && done[1] == 1, "a job was done twice");
  return 0;
}

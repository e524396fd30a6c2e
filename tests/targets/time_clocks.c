// The clocks, as the C library reads them.
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>

#include "target.h"

int main(void) {
  clockid_t clocks[] = {CLOCK_REALTIME,          CLOCK_MONOTONIC,     CLOCK_PROCESS_CPUTIME_ID,
                        CLOCK_THREAD_CPUTIME_ID, CLOCK_BOOTTIME,      CLOCK_MONOTONIC_COARSE,
                        CLOCK_REALTIME_COARSE,   CLOCK_MONOTONIC_RAW, CLOCK_TAI};
  struct timespec value;
  for (int round = 0; round < 3; round++)
    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
      MUST(clock_gettime(clocks[i], &value));
      say("clock %d: %ld.%09ld", clocks[i], (long)value.tv_sec, value.tv_nsec);
    }
  MUST(clock_getres(CLOCK_MONOTONIC, &value));
  say("resolution %ld", value.tv_nsec);
  struct timeval day;
  MUST(gettimeofday(&day, NULL));
  time_t seconds = time(NULL);
  char text[64];
  strftime(text, sizeof text, "%F %T %Z", localtime(&seconds));
  say("%ld.%06ld %ld %s, %ld", (long)day.tv_sec, (long)day.tv_usec, (long)seconds, text, (long)clock());
  struct timex adjustment = {0};
  say("adjtimex %d: %ld us", adjtimex(&adjustment), (long)adjustment.time.tv_usec);
  return 0;
}

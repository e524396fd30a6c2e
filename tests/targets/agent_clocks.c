// Reads every clock often enough for the agent to take over, with good and bad pointers, in a child as well
// and while signals come; prints what it read.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t ticks;

static void on_tick(int signal) {
  struct timespec now;
  (void)signal;
  clock_gettime(CLOCK_MONOTONIC, &now);
  ++ticks;
}

// One value that depends on all that was read, and on their order.
static unsigned long mix(unsigned long sum, long value) { return sum * 1000003 + (unsigned long)value; }

static unsigned long read_clocks(int rounds) {
  static const clockid_t clocks[] = {CLOCK_REALTIME,          CLOCK_MONOTONIC,     CLOCK_PROCESS_CPUTIME_ID,
                                     CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE,
                                     CLOCK_MONOTONIC_COARSE,  CLOCK_BOOTTIME,      CLOCK_TAI};
  unsigned long sum = 0;
  struct timespec before = {0, 0};
  for (int i = 0; i < rounds; ++i) {
    for (unsigned j = 0; j < sizeof clocks / sizeof *clocks; ++j) {
      struct timespec now;
      if (clock_gettime(clocks[j], &now) != 0) return 0;
      sum = mix(mix(sum, now.tv_sec), now.tv_nsec);
      if (clocks[j] != CLOCK_MONOTONIC) continue;
      if (now.tv_sec < before.tv_sec || (now.tv_sec == before.tv_sec && now.tv_nsec < before.tv_nsec)) {
        printf("the clock went back\n");
      }
      before = now;
    }
    struct timeval day;
    struct timezone zone;
    memset(&zone, 0x55, sizeof zone);
    gettimeofday(&day, &zone);
    sum = mix(mix(mix(sum, day.tv_sec), day.tv_usec), zone.tz_minuteswest);
    long into = 0;
    sum = mix(mix(sum, syscall(SYS_time, &into)), into);
    sum = mix(sum, syscall(SYS_time, NULL));
  }
  return sum;
}

static void try_errors(void) {
  struct timespec now;
  for (int i = 0; i < 20; ++i) {
    const long bad = syscall(SYS_clock_gettime, CLOCK_REALTIME, (void*)8);
    const int bad_errno = errno;
    const long unknown = syscall(SYS_clock_gettime, 10, &now);
    const int unknown_errno = errno;
    const long day = syscall(SYS_gettimeofday, (void*)16, NULL);
    if (i == 19) {
      printf("bad pointer: %ld %s; no such clock: %ld %s; bad day: %ld %s\n", bad, strerror(bad_errno),
             unknown, strerror(unknown_errno), day, strerror(errno));
    }
  }
}

int main(void) {
  printf("%lx\n", read_clocks(200));
  try_errors();
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_tick;
  sigaction(SIGALRM, &action, NULL);
  const struct itimerval every = {{0, 1000}, {0, 1000}};
  setitimer(ITIMER_REAL, &every, NULL);
  printf("%lx\n", read_clocks(3000));
  const struct itimerval never = {{0, 0}, {0, 0}};
  setitimer(ITIMER_REAL, &never, NULL);
  printf("%d ticks\n", (int)ticks);
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    printf("child: %lx\n", read_clocks(200));
    return 0;
  }
  waitpid(child, NULL, 0);
  printf("%lx\n", read_clocks(10));
  return 0;
}

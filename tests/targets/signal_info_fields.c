// The fields of siginfo for faults, children, timers, queued and sent signals.
#include <signal.h>
#include <sys/mman.h>
#include <time.h>

#include "target.h"

static char* page;

static void handler(int signal, siginfo_t* info, void* context) {
  (void)context;
  if (signal == SIGSEGV) {
    say("SIGSEGV code %d at offset %ld", info->si_code, (long)((char*)info->si_addr - page));
    MUST(mprotect(page, 4096, PROT_READ | PROT_WRITE));
  } else if (signal == SIGCHLD) {
    say("SIGCHLD code %d pid %d uid %d status %d", info->si_code, info->si_pid, info->si_uid,
        info->si_status);
  } else if (info->si_code == SI_TIMER) {
    say("timer %d overrun %d value %d", info->si_timerid, info->si_overrun, info->si_value.sival_int);
  } else {
    say("signal %d code %d pid %d value %d", signal, info->si_code, info->si_pid, info->si_value.sival_int);
  }
}

int main(void) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};
  int signals[] = {SIGSEGV, SIGCHLD, SIGUSR1, SIGUSR2, SIGRTMIN};
  for (int i = 0; i < 5; i++) MUST(sigaction(signals[i], &action, NULL));
  page = (char*)MUST(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  page[123] = 1;
  reap((pid_t)({
    long child = MUST(fork());
    if (child == 0) _exit(44);
    child;
  }));
  MUST(kill(getpid(), SIGUSR1));
  MUST(sigqueue(getpid(), SIGUSR2, (union sigval){.sival_int = -9}));
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 6};
  timer_t timer;
  MUST(timer_create(CLOCK_MONOTONIC, &event, &timer));
  struct itimerspec setting = {.it_interval = {0, 20000000}, .it_value = {0, 5000000}};
  MUST(timer_settime(timer, 0, &setting, NULL));
  pause();
  return 0;
}

// Two POSIX timers, one of them directed at a thread, deliver their values and overruns.
#include <signal.h>
#include <time.h>

#include "target.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static volatile sig_atomic_t fired;

static void handler(int signal, siginfo_t* info, void* context) {
  (void)context;
  fired++;
  say("%d: value %d", signal - SIGRTMIN, info->si_value.sival_int);
}

int main(void) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  sigset_t blocked, open;
  sigemptyset(&blocked);
  timer_t timers[2];
  for (int i = 0; i < 2; i++) {
    sigaddset(&blocked, SIGRTMIN + i);
    MUST(sigaction(SIGRTMIN + i, &action, NULL));
  }
  MUST(sigprocmask(SIG_BLOCK, &blocked, &open));
  for (int i = 0; i < 2; i++) {
    struct sigevent event = {.sigev_notify = i ? SIGEV_THREAD_ID : SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + i};
    event.sigev_value.sival_int = 40 + i;
    event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
    MUST(timer_create(i ? CLOCK_REALTIME : CLOCK_MONOTONIC, &event, &timers[i]));
    struct itimerspec setting = {.it_interval = {0, 4000000}, .it_value = {0, 3000000 + i * 5000000}};
    MUST(timer_settime(timers[i], 0, &setting, NULL));
  }
  while (fired < 6) sigsuspend(&open);
  for (int i = 0; i < 2; i++) {
    struct itimerspec left;
    MUST(timer_gettime(timers[i], &left));
    say("timer %d: left %ld ns, overrun %d", i, left.it_value.tv_nsec, timer_getoverrun(timers[i]));
    MUST(timer_delete(timers[i]));
  }
  return 0;
}

// SIGALRM interrupts a read, SIGCHLD tells of three children, SIGUSR1 comes from a child and restarts a read.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t alarms, users, reaped;
static volatile double state = 1;

static void on_alarm(int number) {
  alarms++;
  state = state * 1.5 + number;
}

static void on_user(int number) {
  users++;
  state = state * 0.5 + number;
}

static void on_child(int number) {
  (void)number;
  int saved = errno;
  while (waitpid(-1, NULL, WNOHANG) > 0) reaped++;
  errno = saved;
}

static void handle(int number, void (*handler)(int), int flags) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
  sigemptyset(&action.sa_mask);
  if (sigaction(number, &action, NULL) != 0) exit(99);
}

static void pause_for(long milliseconds) {
  struct timespec time = {0, milliseconds * 1000000};
  while (nanosleep(&time, &time) != 0) {
  }
}

static void interrupted_read(int fd) {
  struct itimerval timer = {.it_value.tv_usec = 20000};
  char byte;
  setitimer(ITIMER_REAL, &timer, NULL);
  ssize_t got = read(fd, &byte, 1);
  printf("read: %s, alarms %d\n", got < 0 ? strerror(errno) : "came back", alarms);
}

static void reap_children(void) {
  sigset_t none;
  sigemptyset(&none);
  for (int i = 0; i < 3; i++) {
    if (fork() == 0) {
      pause_for(5 * i);
      _exit(i);
    }
  }
  // A signal between the test and the sleep only costs one sleep.
  while (reaped < 3) pause_for(2);
  printf("children reaped: %d\n", reaped);
}

static void restarted_read(const int* pipe_ends) {
  pid_t parent = getpid();
  char byte = '?';
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < 20; i++) {
      kill(parent, SIGUSR1);
      pause_for(1);
    }
    if (write(pipe_ends[1], "x", 1) != 1) _exit(99);
    _exit(0);
  }
  ssize_t got = read(pipe_ends[0], &byte, 1);
  printf("read after restarts: %c (%zd), signals came: %d, state %a\n", byte, got, users, state);
}

int main(void) {
  int ends[2];
  if (pipe(ends) != 0) return 99;
  handle(SIGALRM, on_alarm, 0);
  handle(SIGUSR1, on_user, SA_RESTART);
  handle(SIGCHLD, on_child, SA_RESTART);
  interrupted_read(ends[0]);
  restarted_read(ends);
  while (reaped < 1) pause_for(2);
  reaped = 0;
  fflush(stdout);
  reap_children();
  printf("process %d ends\n", getpid());
  return 3;
}

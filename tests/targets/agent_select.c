// select and pselect6 that have become hot: sets of all sizes, times that run out, a signal that comes while
// its mask lets it, and one that comes while a message, a connection or a datagram is waited for.
#include <signal.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>

#include "target.h"

static volatile sig_atomic_t alarms;

static void on_alarm(int number) {
  (void)number;
  alarms++;
}

static void set_alarm(long milliseconds) {
  struct itimerval when = {.it_value = {.tv_usec = milliseconds * 1000}};
  MUST(setitimer(ITIMER_REAL, &when, NULL));
}

static void look(int readable, int writable) {
  for (int i = 0; i < 30; i++) {
    fd_set in, out;
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(readable, &in);
    if (i % 2 == 0) FD_SET(writable, &out);
    struct timeval most = {0, 500};
    struct timespec same = {0, 500000};
    int count = i % 3 == 0 ? select(writable + 1, &in, &out, NULL, &most)
                           : pselect(i % 3 == 1 ? 1000 : writable + 1, &in, i % 5 == 0 ? NULL : &out, NULL,
                                     &same, NULL);
    say("found %d: %d %d", count, FD_ISSET(readable, &in), FD_ISSET(writable, &out));
    if (i % 10 == 0) MUST(write(writable, "x", 1));
  }
  say("no such descriptor: %s",
      outcome(select(1, &(fd_set){{~0L << 40}}, NULL, NULL, &(struct timeval){0, 0})));
  say("negative count: %s", outcome(select(-1, NULL, NULL, NULL, &(struct timeval){0, 0})));
}

// The signal is blocked but for the time of the call.
static void wait_for_signal(void) {
  sigset_t blocked, none;
  sigemptyset(&none);
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGALRM);
  MUST(sigprocmask(SIG_BLOCK, &blocked, NULL));
  for (int i = 0; i < 20; i++) {
    alarms = 0;
    set_alarm(3);
    struct timespec most = {10, 0};
    say("pselect: %s", outcome(pselect(0, NULL, NULL, NULL, i % 2 == 0 ? &most : NULL, &none)));
    say("  alarms %d", (int)alarms);
  }
  MUST(sigprocmask(SIG_UNBLOCK, &blocked, NULL));
}

static void interrupt_messages(int fd) {
  for (int i = 0; i < 12; i++) {
    char text[16];
    struct iovec room = {text, sizeof text};
    struct msghdr message = {.msg_iov = &room, .msg_iovlen = 1};
    struct sockaddr_storage who;
    socklen_t length = sizeof who;
    alarms = 0;
    set_alarm(3);
    say("recvmsg: %s", outcome(recvmsg(fd, &message, 0)));
    set_alarm(3);
    say("recvfrom: %s", outcome(recvfrom(fd, text, sizeof text, 0, (struct sockaddr*)&who, &length)));
    set_alarm(3);
    say("readv: %s", outcome(readv(fd, &room, 1)));
    say("  alarms %d, length %u", (int)alarms, length);
  }
}

int main(void) {
  // Without SA_RESTART.
  MUST(sigaction(SIGALRM, &(struct sigaction){.sa_handler = on_alarm}, NULL));
  int ends[2], pair[2];
  MUST(pipe(ends));
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  look(ends[0], ends[1]);
  wait_for_signal();
  interrupt_messages(pair[0]);
  return 0;
}

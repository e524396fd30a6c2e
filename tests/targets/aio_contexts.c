// Several contexts: what is under way in each; polls, time-outs, signals, cancelling; what a child and a
// destroyed context leave.
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

#include "aio.h"

static void on_alarm(int signal) { (void)signal; }

static void polls(aio_context_t context) {
  int ends[2];
  MUST(pipe(ends));
  struct iocb request = aio_request(IOCB_CMD_POLL, ends[0], (void*)(uintptr_t)POLLIN, 0, 0);
  struct iocb* list[] = {&request};
  EXPECT(aio_submit(context, 1, list) == 1);
  struct io_event event;
  struct timespec wait = MS(5);
  say("nothing yet: %s", outcome(syscall(SYS_io_getevents, context, 1, 1, &event, &wait)));
  MUST(write(ends[1], "x", 1));
  event = aio_wait(context);
  say("poll: %lld", (long long)event.res);
  char byte = 0;
  request = aio_request(IOCB_CMD_PREAD, ends[0], &byte, 1, 0);
  const long long got = aio_do(context, &request);
  say("read from a pipe: %lld %c", got, byte);
  request = aio_request(IOCB_CMD_POLL, ends[0], (void*)(uintptr_t)POLLIN, 0, 0);
  EXPECT(aio_submit(context, 1, list) == 1);
  say("cancelled: %s", outcome(syscall(SYS_io_cancel, context, &request, &event)));
  if (request.aio_lio_opcode == IOCB_CMD_POLL) say("its end: %lld", (long long)aio_wait(context).res);
  MUST(close(ends[0]));
  MUST(close(ends[1]));
}

static void interrupted(aio_context_t context) {
  struct sigaction action = {.sa_handler = on_alarm};
  MUST(sigaction(SIGALRM, &action, NULL));
  struct io_event event;
  const struct itimerval often = {.it_interval = {.tv_usec = 50000}, .it_value = {.tv_usec = 50000}};
  MUST(setitimer(ITIMER_REAL, &often, NULL));
  const long result = syscall(SYS_io_getevents, context, 1, 1, &event, NULL);
  const struct itimerval never = {0};
  const int error = errno;
  MUST(setitimer(ITIMER_REAL, &never, NULL));
  errno = error;
  say("a signal ends it: %s", outcome(result));
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGALRM);
  const struct {
    const sigset_t* mask;
    size_t size;
  } pack = {&mask, 8};
  struct timespec wait = MS(20);
  const struct itimerspec soon = {.it_value = MS(5)};
  timer_t timer;
  MUST(timer_create(CLOCK_MONOTONIC, NULL, &timer));
  MUST(timer_settime(timer, 0, &soon, NULL));
  say("a blocked one does not: %s", outcome(syscall(SYS_io_pgetevents, context, 1, 1, &event, &wait, &pack)));
  MUST(timer_delete(timer));
}

static int pipe_ends[2];

static void* reader(void* argument) {
  const aio_context_t context = *(aio_context_t*)argument;
  for (int i = 0; i < 4; ++i) {
    struct io_event event = aio_wait(context);
    say("the reader got %lld for %llx", (long long)event.res, (unsigned long long)event.data);
  }
  return NULL;
}

static void threads(aio_context_t context) {
  pthread_t thread;
  ZERO(pthread_create(&thread, NULL, reader, &context));
  char bytes[8] = "";
  for (int i = 0; i < 4; ++i) {
    struct iocb request = aio_request(IOCB_CMD_PREAD, pipe_ends[0], bytes + i, 1, 0);
    request.aio_data = (unsigned long long)(0x100 + i);
    struct iocb* list[] = {&request};
    MUST(write(pipe_ends[1], "wxyz" + i, 1));
    EXPECT(aio_submit(context, 1, list) == 1);
  }
  ZERO(pthread_join(thread, NULL));
  say("read: %s", bytes);
}

static void children(aio_context_t context) {
  const pid_t child = (pid_t)MUST(fork());
  if (child == 0) {
    struct io_event event;
    say("in the child: %s", outcome(syscall(SYS_io_getevents, context, 0, 1, &event, NULL)));
    aio_context_t own = aio_setup(1);
    aio_destroy(own);
    _exit(0);
  }
  reap(child);
}

int main(void) {
  aio_context_t contexts[5];
  for (int i = 0; i < 5; ++i) contexts[i] = aio_setup(i == 4 ? 2000 : 4);
  for (int i = 0; i < 5; ++i)
    say("context %d: ring at %llx, %u events", i, (unsigned long long)contexts[i],
        ((unsigned*)(uintptr_t)contexts[i])[1]);
  MUST(pipe(pipe_ends));
  polls(contexts[0]);
  interrupted(contexts[1]);
  threads(contexts[2]);
  children(contexts[3]);
  for (int i = 0; i < 4; ++i) aio_destroy(contexts[i]);
  // Its place is free for others now.
  void* there = mmap((void*)(uintptr_t)contexts[0], 4096, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  say("mapped there: %s", there == (void*)(uintptr_t)contexts[0] ? "yes" : "no");
  for (int i = 0; i < 40; ++i) aio_destroy(aio_setup(500));
  // Left behind by an exit.
  struct iocb request = aio_request(IOCB_CMD_POLL, pipe_ends[0], (void*)(uintptr_t)POLLIN, 0, 0);
  struct iocb* list[] = {&request};
  say("left: %ld", aio_submit(contexts[4], 1, list));
  return 0;
}

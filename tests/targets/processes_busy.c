// Three processes at once make calls that the recorder looks at one by one, so many that it has a thread for
// each; meanwhile they get signals and one is stopped and continued. Then they take turns on a file that all
// map, start threads and processes of their own, and the last one is killed in the midst of its calls.
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#include "target.h"

enum { processes = 3, rounds = 20, first = 1500 };

struct shared {
  uint32_t turn;
  uint32_t length;
  char text[256];
};

static volatile sig_atomic_t signals;

static void count(int signal) {
  (void)signal;
  ++signals;
}

// A wait for a process that is no child of the caller: never left to code inside of the program.
static void make_calls(int calls) {
  for (int i = 0; i < calls; ++i) EXPECT(waitpid(getppid(), NULL, WNOHANG) == -1 && errno == ECHILD);
}

static struct shared* map_file(void) {
  int fd = (int)MUST(open("file", O_RDWR));
  struct shared* map = (void*)MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  close(fd);
  return map;
}

static void take_turns(struct shared* map, uint32_t self) {
  for (int i = 0; i < rounds; ++i) {
    for (uint32_t turn; (turn = __atomic_load_n(&map->turn, __ATOMIC_ACQUIRE)) != self;)
      syscall(SYS_futex, &map->turn, FUTEX_WAIT, turn, NULL, NULL, 0);
    map->text[map->length++] = (char)('a' + self);
    make_calls(3);
    __atomic_store_n(&map->turn, (self + 1) % processes, __ATOMIC_RELEASE);
    syscall(SYS_futex, &map->turn, FUTEX_WAKE, processes, NULL, NULL, 0);
  }
}

static void* in_thread(void* unused) {
  make_calls(100);
  return unused;
}

static int child(uint32_t self, int ready) {
  make_calls(first);
  struct shared* map = map_file();
  take_turns(map, self);
  pthread_t thread;
  ZERO(pthread_create(&thread, NULL, in_thread, NULL));
  make_calls(100);
  ZERO(pthread_join(thread, NULL));
  pid_t grandchild = (pid_t)MUST(fork());
  if (grandchild == 0) {
    make_calls(200);
    _exit((int)self);
  }
  make_calls(200);
  reap(grandchild);
  say("%d got signals: %d", (int)self, signals != 0);
  MUST(write(ready, "r", 1));
  while (self == processes - 1) make_calls(1);
  return 10 + (int)self;
}

int main(void) {
  int fd, ends[2];
  pid_t pids[processes];
  char byte;
  struct sigaction action = {.sa_handler = count, .sa_flags = SA_RESTART};
  enter_scratch();
  fd = (int)MUST(open("file", O_CREAT | O_RDWR, 0600));
  MUST(ftruncate(fd, 4096));
  MUST(pipe(ends));
  MUST(sigaction(SIGUSR1, &action, NULL));
  for (uint32_t i = 0; i < processes; ++i) {
    pids[i] = (pid_t)MUST(fork());
    if (pids[i] == 0) _exit(child(i, ends[1]));
  }
  for (int i = 0; i < 12; ++i) {
    usleep(3000);
    for (int k = 0; k < processes; ++k) MUST(kill(pids[k], SIGUSR1));
    if (i % 4 == 1) MUST(kill(pids[0], SIGSTOP));
    if (i % 4 == 2) MUST(kill(pids[0], SIGCONT));
  }
  for (int i = 0; i < processes; ++i) EXPECT(read(ends[0], &byte, 1) == 1);
  MUST(kill(pids[processes - 1], SIGKILL));
  for (int i = 0; i < processes; ++i) reap(pids[i]);
  struct shared* map = map_file();
  say("turns: %.*s", (int)map->length, map->text);
  MUST(unlink("file"));
  leave_scratch();
  return 0;
}

// Priorities, policies, limits, memory locks and questions about tasks.
#include <netinet/in.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/socket.h>

#include "target.h"

static void on_the_scheduler(void) {
  struct sched_param parameters = {0};
  struct timespec interval;
  char attributes[48] = {48};
  cpu_set_t processors;
  say("priorities %s", outcome(syscall(SYS_sched_get_priority_min, SCHED_FIFO)));
  say("to %s", outcome(syscall(SYS_sched_get_priority_max, SCHED_FIFO)));
  MUST(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &parameters));
  MUST(syscall(SYS_sched_setparam, 0, &parameters));
  MUST(syscall(SYS_sched_rr_get_interval, 0, &interval));
  say("interval %ld", interval.tv_nsec);
  MUST(syscall(SYS_sched_getattr, 0, attributes, sizeof attributes, 0));
  say("sched_setattr: %s", outcome(syscall(SYS_sched_setattr, 0, attributes, 0)));
  MUST(sched_getaffinity(0, sizeof processors, &processors));
  say("sched_setaffinity: %s", outcome(sched_setaffinity(0, sizeof processors, &processors)));
  MUST(syscall(SYS_setpriority, PRIO_PROCESS, 0, 19));  // lower than any that it may have been started with
  say("priority: %s", outcome(syscall(SYS_getpriority, PRIO_PROCESS, 0)));
  say("io priority: %s", outcome(syscall(SYS_ioprio_get, 1, 0)));
  say("ioprio_set: %s", outcome(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 4)));
}

static void on_memory(void) {
  say("mlockall: %s", outcome(syscall(SYS_mlockall, MCL_FUTURE)));
  MUST(syscall(SYS_munlockall));
  char* page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT(page != MAP_FAILED);
  say("mlock2: %s", outcome(syscall(SYS_mlock2, page, 4096L, 0)));
  char descriptors[16];
  memset(descriptors, 0xff, sizeof descriptors);
  say("modify_ldt: %s", outcome(syscall(SYS_modify_ldt, 0, descriptors, sizeof descriptors) & 0xffffffff));
  say("membarrier: %s", outcome(syscall(SYS_membarrier, 0, 0, 0)));
}

static void on_tasks(void) {
  void* head = NULL;
  size_t size = 0;
  MUST(syscall(SYS_get_robust_list, 0, &head, &size));
  say("robust list of %zu bytes", size);
  say("kcmp: %s", outcome(syscall(SYS_kcmp, getpid(), getpid(), 1, 0, 0)));
  say("tkill: %s", outcome(syscall(SYS_tkill, syscall(SYS_gettid), 0)));
  char info[128] = {0};
  ((int*)info)[2] = -1;  // si_code: SI_QUEUE
  say("rt_tgsigqueueinfo: %s",
      outcome(syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), 0, info)));
  say("unshare: %s", outcome(syscall(SYS_unshare, 0)));
  struct rlimit limit;
  MUST(syscall(SYS_getrlimit, RLIMIT_CORE, &limit));
  MUST(syscall(SYS_setrlimit, RLIMIT_CORE, &limit));
  char clock[256] = {0};
  say("adjtimex: %s", outcome(syscall(SYS_adjtimex, clock)));
}

static void on_queues(void) {
  const int semaphore = semget(IPC_PRIVATE, 1, 0600);
  if (semaphore >= 0) {
    struct sembuf step = {0, 2, 0};
    say("semop: %s", outcome(syscall(SYS_semop, semaphore, &step, 1L)));
    MUST(semctl(semaphore, 0, IPC_RMID));
  }
  say("mq_notify: %s", outcome(syscall(SYS_mq_notify, -1, NULL)));
  say("mq_getsetattr: %s", outcome(syscall(SYS_mq_getsetattr, -1, NULL, NULL)));
  const int listener = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t length = sizeof address;
  say("getpeername: %s", outcome(getpeername(listener, (struct sockaddr*)&address, &length)));
}

int main(void) {
  on_the_scheduler();
  on_memory();
  on_tasks();
  on_queues();
  return 0;
}

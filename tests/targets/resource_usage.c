// Resource usage, times, load, scheduling and processor of the process.
#include <sched.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/utsname.h>

#include "target.h"

int main(void) {
  struct rusage usage;
  struct tms spent;
  struct sysinfo machine;
  struct utsname name;
  cpu_set_t set;
  unsigned processor, node;
  struct sched_param priority;
  MUST(getrusage(RUSAGE_SELF, &usage));
  say("faults %ld %ld, switches %ld %ld, max %ld KiB, user %ld us", usage.ru_minflt, usage.ru_majflt,
      usage.ru_nvcsw, usage.ru_nivcsw, usage.ru_maxrss, (long)usage.ru_utime.tv_usec);
  say("times %ld: %ld %ld", (long)times(&spent), (long)spent.tms_utime, (long)spent.tms_stime);
  MUST(sysinfo(&machine));
  say("up %ld s, free %lu, %u processes", machine.uptime, machine.freeram, machine.procs);
  MUST(uname(&name));
  say("%s %s %s %s", name.sysname, name.nodename, name.release, name.version);
  MUST(syscall(SYS_getcpu, &processor, &node, NULL));
  say("on processor %u of node %u, sched_getcpu %d", processor, node, sched_getcpu());
  MUST(sched_getaffinity(0, sizeof set, &set));
  MUST(sched_getparam(0, &priority));
  say("%d usable, policy %d, priority %d, nice %d", CPU_COUNT(&set), sched_getscheduler(0),
      priority.sched_priority, getpriority(PRIO_PROCESS, 0));
  say("uid %d %d gid %d %d, pid %d, parent %d", getuid(), geteuid(), getgid(), getegid(), getpid(),
      getppid());
  double load[3];
  int loads = getloadavg(load, 3);
  say("%d loads, first %ld hundredths", loads, (long)(load[0] * 100));
  return 0;
}

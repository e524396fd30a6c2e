// Personality, names, no-new-privileges, dumpability and limits are set and read back.
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "target.h"

int main(void) {
  char name[16] = "";
  say("personality %#x", personality(0xffffffff));
  MUST(prctl(PR_SET_NAME, "renamed"));
  MUST(prctl(PR_GET_NAME, name));
  say("name %s, dumpable %d", name, prctl(PR_GET_DUMPABLE));
  MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  int death = -1;
  MUST(prctl(PR_SET_PDEATHSIG, 10));
  MUST(prctl(PR_GET_PDEATHSIG, &death));
  say("no new privileges %d, death signal %d", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), death);
  say("unknown: %s", outcome(prctl(123456)));
  struct rlimit limit;
  MUST(getrlimit(RLIMIT_NOFILE, &limit));
  limit.rlim_cur = 20;
  struct rlimit before;
  MUST(prlimit(0, RLIMIT_NOFILE, &limit, &before));
  int opened = 0;
  while (dup(1) >= 0) opened++;
  say("%lu before; %d more descriptors, then %s", (unsigned long)before.rlim_cur, opened, strerror(errno));
  for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
    MUST(getrlimit(resource, &limit));
    say("limit %d: %ld %ld", resource, (long)limit.rlim_cur, (long)limit.rlim_max);
  }
  return 0;
}

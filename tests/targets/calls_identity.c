// Users, groups and capabilities: read, and set to what they are.
#include <grp.h>
#include <linux/capability.h>
#include <sys/fsuid.h>

#include "target.h"

int main(void) {
  uid_t user[3];
  gid_t group[3], groups[64];
  MUST(syscall(SYS_getresuid, &user[0], &user[1], &user[2]));
  MUST(syscall(SYS_getresgid, &group[0], &group[1], &group[2]));
  say("users %u %u %u, groups %u %u %u", user[0], user[1], user[2], group[0], group[1], group[2]);
  const int count = (int)MUST(syscall(SYS_getgroups, 64, groups));
  for (int i = 0; i < count; i++) say("also in %u", groups[i]);
  say("setgroups: %s", outcome(syscall(SYS_setgroups, count, groups)));
  say("setgid: %s", outcome(syscall(SYS_setgid, group[0])));
  say("setuid: %s", outcome(syscall(SYS_setuid, user[0])));
  say("setregid: %s", outcome(syscall(SYS_setregid, -1, group[0])));
  say("setreuid: %s", outcome(syscall(SYS_setreuid, -1, user[0])));
  say("setresgid: %s", outcome(syscall(SYS_setresgid, -1, -1, -1)));
  say("setresuid: %s", outcome(syscall(SYS_setresuid, -1, -1, -1)));
  say("setfsuid: %s", outcome(syscall(SYS_setfsuid, user[0])));
  say("setfsgid: %s", outcome(syscall(SYS_setfsgid, group[0])));
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct sets[2];
  MUST(syscall(SYS_capget, &header, sets));
  say("capabilities %x %x", sets[0].effective, sets[1].effective);
  say("capset: %s", outcome(syscall(SYS_capset, &header, sets)));
  return 0;
}

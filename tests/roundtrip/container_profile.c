// container_profile PROGRAM ARGUMENTS...: runs a program as an ordinary user under the rules of the stock
// container seccomp profile on x86-64 without extra capabilities.
//
// Everything that the profile does not name fails with EPERM. It names all ordinary calls known to
// libseccomp, and
// - personality for 0, 8, 0x20000, 0x20008 and 0xffffffff only, so that ADDR_NO_RANDOMIZE is refused;
// - clone without namespace flags; clone3 answers ENOSYS, so that the C library falls back to clone, whose
// flags a
//   filter can see;
// - socket for all families but AF_VSOCK.
// Started by root, it gives up groups, user id and every capability first.
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ordinary_id = 65534, last_known_call = 600, cannot_run = 126 };

static const char* const refused[] = {"acct",
                                      "add_key",
                                      "bpf",
                                      "chroot",
                                      "clock_adjtime",
                                      "clock_settime",
                                      "create_module",
                                      "delete_module",
                                      "fanotify_init",
                                      "finit_module",
                                      "fsconfig",
                                      "fsmount",
                                      "fsopen",
                                      "fspick",
                                      "get_mempolicy",
                                      "init_module",
                                      "io_uring_enter",
                                      "io_uring_register",
                                      "io_uring_setup",
                                      "ioperm",
                                      "iopl",
                                      "kcmp",
                                      "kexec_file_load",
                                      "kexec_load",
                                      "keyctl",
                                      "lookup_dcookie",
                                      "mbind",
                                      "migrate_pages",
                                      "mount",
                                      "mount_setattr",
                                      "move_mount",
                                      "move_pages",
                                      "nfsservctl",
                                      "open_by_handle_at",
                                      "open_tree",
                                      "perf_event_open",
                                      "pidfd_getfd",
                                      "pivot_root",
                                      "process_madvise",
                                      "quotactl",
                                      "quotactl_fd",
                                      "reboot",
                                      "request_key",
                                      "set_mempolicy",
                                      "set_mempolicy_home_node",
                                      "setdomainname",
                                      "sethostname",
                                      "setns",
                                      "settimeofday",
                                      "swapoff",
                                      "swapon",
                                      "syslog",
                                      "umount2",
                                      "unshare",
                                      "userfaultfd",
                                      "vhangup"};

static void fail(const char* what, int error) {
  fprintf(stderr, "container_profile: %s: %s\n", what, strerror(error));
  exit(cannot_run);
}

static void require(const char* what, int result) {
  if (result < 0) fail(what, errno);
}

// libseccomp answers the negated error number.
static void add(int result) {
  if (result < 0) fail("seccomp rule", -result);
}

static int is_refused(const char* name) {
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
    if (strcmp(refused[i], name) == 0) return 1;
  return 0;
}

static int has_own_rule(int number) {
  return number == SCMP_SYS(personality) || number == SCMP_SYS(clone) || number == SCMP_SYS(clone3) ||
         number == SCMP_SYS(socket);
}

static void allow_ordinary_calls(scmp_filter_ctx filter) {
  for (int number = 0; number <= last_known_call; number++) {
    char* name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, number);
    if (name && !is_refused(name) && !has_own_rule(number))
      add(seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0));
    free(name);
  }
}

static void allow_in_part(scmp_filter_ctx filter) {
  static const unsigned personalities[] = {0x0, 0x8, 0x20000, 0x20008, 0xffffffff};
  for (size_t i = 0; i < sizeof personalities / sizeof *personalities; i++)
    add(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(personality), 1,
                         SCMP_A0(SCMP_CMP_EQ, personalities[i])));
  const scmp_datum_t namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                  CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
  add(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                       SCMP_A0(SCMP_CMP_MASKED_EQ, namespaces, 0)));
  add(seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0));
  add(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_NE, AF_VSOCK)));
}

static void become_ordinary_user(void) {
  for (int capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; capability++)
    require("bounding set", prctl(PR_CAPBSET_DROP, capability));
  require("setgroups", setgroups(0, NULL));
  require("setresgid", setresgid(ordinary_id, ordinary_id, ordinary_id));
  // Giving up user id 0 clears the capability sets too, capabilities(7).
  require("setresuid", setresuid(ordinary_id, ordinary_id, ordinary_id));
}

int main(int argc, char** argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: container_profile PROGRAM [ARGUMENT...]\n");
    return 2;
  }
  if (geteuid() == 0) become_ordinary_user();
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
  if (!filter) fail("seccomp_init", ENOMEM);
  // Sorted by number instead of searched one by one: some 350 rules would cost a microsecond a call.
  add(seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2));
  allow_ordinary_calls(filter);
  allow_in_part(filter);
  add(seccomp_load(filter));  // sets no_new_privs, without which an ordinary user may load no filter
  seccomp_release(filter);
  execvp(argv[1], argv + 1);
  fail(argv[1], errno);
}

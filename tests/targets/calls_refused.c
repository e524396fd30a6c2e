// Calls that the kernel, or rec in its place, refuses: privileged ones with arguments that are wrong for
// whoever asks, numbers that Linux no longer serves, and interfaces newer than libc. Each has an answer, and
// the program goes on.
#include "target.h"

#define BAD ((long)-1)

static const struct {
  int nr;
  long arguments[6];
} refused[] = {
    // Numbers that Linux gave away once.
    {134, {0}},
    {156, {0}},
    {174, {0}},
    {177, {0}},
    {178, {0}},
    {180, {0}},
    {181, {0}},
    {182, {0}},
    {183, {0}},
    {184, {0}},
    {185, {0}},
    {205, {0}},
    {211, {0}},
    {212, {0}},
    {214, {0}},
    {215, {0}},
    {236, {0}},
    // The system: wrong for root, too.
    {SYS_syslog, {100, 0, 0}},
    {SYS_sysfs, {100, 0, 0}},
    {SYS_pivot_root, {(long)"/missing/a", (long)"/missing/b"}},
    {SYS_settimeofday, {(long)(long[2]){0, BAD}, 0}},
    {SYS_clock_settime, {1000, 0}},
    {SYS_mount, {(long)"none", (long)"/missing", (long)"no_such_kind", 0, 0}},
    {SYS_umount2, {(long)"/missing", 0}},
    {SYS_acct, {(long)"/missing/file"}},
    {SYS_swapon, {(long)"/missing", 0}},
    {SYS_swapoff, {(long)"/missing"}},
    {SYS_reboot, {0, 0, 0, 0}},
    {SYS_sethostname, {0, BAD}},
    {SYS_setdomainname, {0, BAD}},
    {SYS_iopl, {100}},
    {SYS_ioperm, {0x7fffffff, 10, 1}},
    {SYS_init_module, {0, 0, 0}},
    {SYS_finit_module, {BAD, 0, 0}},
    {SYS_delete_module, {(long)"no_such_module", 0}},
    {SYS_kexec_load, {0, 0, 0, BAD}},
    {SYS_kexec_file_load, {BAD, BAD, 0, 0, 0}},
    {SYS_quotactl, {BAD, 0, 0, 0}},
    {443 /* quotactl_fd */, {BAD, BAD, 0, 0}},
    {SYS_bpf, {BAD, 0, 0}},
    {SYS_ptrace, {1000, 0, 0, 0}},
    {SYS_chroot, {(long)"/missing"}},
    {SYS_setns, {BAD, 0}},
    {SYS_fanotify_init, {BAD, 0}},
    {SYS_fanotify_mark, {BAD, 0, 0, BAD, 0}},
    {SYS_open_by_handle_at, {BAD, 0, 0}},
    {SYS_name_to_handle_at, {BAD, (long)"file", 0, 0, 0}},
    // Denied by rec as a whole.
    {SYS_io_destroy, {0}},
    {SYS_io_getevents, {0, 0, 0, 0, 0}},
    {SYS_io_submit, {0, 0, 0}},
    {SYS_io_cancel, {0, 0, 0}},
    {333 /* io_pgetevents */, {0}},
    {426 /* io_uring_enter */, {BAD, 0, 0, 0, 0, 0}},
    {427 /* io_uring_register */, {BAD, 0, 0, 0}},
    // Memory.
    {SYS_remap_file_pages, {1, 4096, 0, 0, 0}},
    {SYS_mbind, {1, 4096, BAD, 0, 0, 0}},
    {SYS_set_mempolicy, {BAD, 0, 0}},
    {SYS_get_mempolicy, {0, 0, 0, 0, BAD}},
    {SYS_migrate_pages, {BAD, 0, 0, 0}},
    {SYS_move_pages, {BAD, 0, 0, 0, 0, BAD}},
    {SYS_pkey_mprotect, {1, 4096, 0, BAD}},
    {SYS_pkey_alloc, {BAD, 0}},
    {SYS_pkey_free, {BAD}},
    {440 /* process_madvise */, {BAD, 0, 0, 0, 0}},
    {447 /* memfd_secret */, {BAD}},
    {448 /* process_mrelease */, {BAD, 0}},
    {450 /* set_mempolicy_home_node */, {1, 4096, 0, 0}},
    {453 /* map_shadow_stack */, {1, 0, BAD}},
    {462 /* mseal */, {1, 4096, BAD}},
    // The mount interface, and others of file systems.
    {428 /* open_tree */, {BAD, (long)"", BAD}},
    {429 /* move_mount */, {BAD, (long)"", BAD, (long)"", BAD}},
    {430 /* fsopen */, {(long)"no_such_kind", 0}},
    {431 /* fsconfig */, {BAD, 0, 0, 0, 0}},
    {432 /* fsmount */, {BAD, 0, 0}},
    {433 /* fspick */, {BAD, (long)"", BAD}},
    {442 /* mount_setattr */, {BAD, (long)"", BAD, 0, 0}},
    {457 /* statmount */, {0, 0, 0, BAD}},
    {458 /* listmount */, {0, 0, 0, BAD}},
    {467 /* open_tree_attr */, {BAD, (long)"", BAD, 0, 0}},
    {468 /* file_getattr */, {BAD, (long)"", 0, 0, BAD}},
    {469 /* file_setattr */, {BAD, (long)"", 0, 0, BAD}},
    {470 /* listns */, {0, 0, 0, BAD}},
    // Keys, Landlock and other guards.
    {SYS_add_key, {(long)"no_such_kind", (long)"name", 0, 0, BAD}},
    {SYS_request_key, {(long)"no_such_kind", (long)"name", 0, 0}},
    {SYS_keyctl, {1000, 0, 0, 0, 0}},
    {SYS_seccomp, {1000, 0, 0}},
    {444 /* landlock_create_ruleset */, {0, 0, BAD}},
    {445 /* landlock_add_rule */, {BAD, 0, 0, 0}},
    {446 /* landlock_restrict_self */, {BAD, 0}},
    {459 /* lsm_get_self_attr */, {BAD, 0, 0, 0}},
    {460 /* lsm_set_self_attr */, {BAD, 0, 0, 0}},
    {461 /* lsm_list_modules */, {0, 0, BAD}},
    // Tasks and waiting.
    {438 /* pidfd_getfd */, {BAD, 0, 0}},
    {449 /* futex_waitv */, {0, 0, BAD, 0, 0}},
    {454 /* futex_wake */, {0, 0, 0, BAD}},
    {455 /* futex_wait */, {0, 0, 0, BAD, 0, 0}},
    {456 /* futex_requeue */, {0, BAD, 0, 0}},
};

int main(void) {
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    const long* a = refused[i].arguments;
    const long result = syscall(refused[i].nr, a[0], a[1], a[2], a[3], a[4], a[5]);
    say("call %d: %s", refused[i].nr, outcome(result));
    EXPECT(result == -1);
  }
  return 0;
}

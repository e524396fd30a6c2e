// The calls that libc makes no more, because newer ones do the same, still work: on files, descriptors and
// time.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/vfs.h>
#include <time.h>
#include <utime.h>

#include "target.h"

static void on_files(void) {
  struct stat status;
  char entries[1024];
  const int file = (int)MUST(syscall(SYS_creat, "a", 0640));
  MUST(syscall(SYS_fchmod, file, 0600));
  MUST(syscall(SYS_chown, "a", -1, -1));
  MUST(syscall(SYS_fchown, file, -1, -1));
  MUST(syscall(SYS_lchown, "a", -1, -1));
  MUST(syscall(SYS_fchownat, AT_FDCWD, "a", -1, -1, 0));
  MUST(syscall(SYS_fchmodat, AT_FDCWD, "a", 0604));
  MUST(syscall(SYS_mknod, "fifo", S_IFIFO | 0600, 0));
  MUST(syscall(SYS_linkat, AT_FDCWD, "a", AT_FDCWD, "b", 0));
  MUST(syscall(SYS_symlinkat, "b", AT_FDCWD, "link"));
  MUST(syscall(SYS_renameat, AT_FDCWD, "b", AT_FDCWD, "c"));
  say("link: %s", outcome(syscall(SYS_readlinkat, AT_FDCWD, "link", entries, sizeof entries)));
  say("access: %s", outcome(syscall(SYS_faccessat, AT_FDCWD, "c", R_OK)));
  say("access: %s", outcome(syscall(SYS_faccessat2, AT_FDCWD, "link", R_OK, 0)));
  MUST(syscall(SYS_utime, "a", &(struct utimbuf){1000, 2000}));
  MUST(syscall(SYS_stat, "a", &status));
  say("modified %ld, mode %o, links %d", (long)status.st_mtime, status.st_mode, (int)status.st_nlink);
  MUST(syscall(SYS_utimes, "a", (struct timeval[2]){{3000, 0}, {4000, 0}}));
  MUST(syscall(SYS_fstat, file, &status));
  say("modified %ld", (long)status.st_mtime);
  MUST(syscall(SYS_futimesat, AT_FDCWD, "a", (struct timeval[2]){{5000, 0}, {6000, 0}}));
  MUST(syscall(SYS_lstat, "link", &status));
  say("a link of %ld bytes", (long)status.st_size);
  const int here = (int)MUST(syscall(SYS_open, ".", O_RDONLY | O_DIRECTORY, 0));
  say("entries: %s bytes", outcome(syscall(SYS_getdents, here, entries, sizeof entries)));
  MUST(close(here));
  MUST(close(file));
  MUST(unlink("fifo"));
  MUST(unlink("link"));
  MUST(unlink("c"));
}

static void on_content(void) {
  struct statfs about;
  char memory[32];
  const int file = (int)MUST(open("a", O_RDWR));
  struct iovec piece = {"some content", 12};
  say("written: %s", outcome(syscall(SYS_pwritev2, file, &piece, 1L, 0L, 0L, 0)));
  MUST(syscall(SYS_fsync, file));
  MUST(syscall(SYS_sync_file_range, file, 0L, 0L, 0));
  say("syncfs: %s", outcome(syscall(SYS_syncfs, file)));
  say("readahead: %s", outcome(syscall(SYS_readahead, file, 0L, 4096L)));
  MUST(syscall(SYS_fstatfs, file, &about));
  say("names of up to %ld bytes", (long)about.f_namelen);
  MUST(stat("a", &(struct stat){0}));
  say("ustat: %s", outcome(syscall(SYS_ustat, 0xffff, memory)));
  say("cachestat: %s", outcome(syscall(451, file, (uint64_t[2]){0, 0}, (uint64_t[5]){0}, 0)));
  say("fchmodat2: %s", outcome(syscall(452, AT_FDCWD, "a", 0600, 0)));
  MUST(close(file));
  MUST(unlink("a"));
  MUST(syscall(SYS_sync));
}

static void on_descriptors(void) {
  int ends[2];
  MUST(syscall(SYS_pipe, ends));
  MUST(write(ends[1], "x", 1));
  fd_set ready;
  FD_ZERO(&ready);
  FD_SET(ends[0], &ready);
  say("select: %s", outcome(syscall(SYS_select, ends[0] + 1, &ready, NULL, NULL, &(struct timeval){1, 0})));
  const int poll = (int)MUST(syscall(SYS_epoll_create, 1));
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = 77};
  MUST(epoll_ctl(poll, EPOLL_CTL_ADD, ends[0], &event));
  event.data.u64 = 0;
  say("epoll_pwait2: %s", outcome(syscall(441, poll, &event, 1, &MS(1000), NULL, 8L)));
  say("its data: %lu", (unsigned long)event.data.u64);
  const int watcher = (int)MUST(syscall(SYS_inotify_init));
  const int watch = (int)MUST(inotify_add_watch(watcher, "/", IN_CREATE));
  say("watch %d removed: %s", watch, outcome(syscall(SYS_inotify_rm_watch, watcher, watch)));
  const int counter = (int)MUST(syscall(SYS_eventfd, 5));
  uint64_t count = 0;
  MUST(read(counter, &count, sizeof count));
  say("event counter %lu", (unsigned long)count);
  say("signalfd: %s", outcome(syscall(SYS_signalfd, -1, (uint64_t[1]){1 << 9}, 8L)));
}

int main(void) {
  enter_scratch();
  on_files();
  on_content();
  on_descriptors();
  leave_scratch();
  say("alarm: %s", outcome(syscall(SYS_alarm, 100)));
  EXPECT(syscall(SYS_alarm, 0) > 0);
  MUST(syscall(SYS_nanosleep, &MS(1), NULL));
  fflush(stdout);
  const pid_t child = (pid_t)MUST(syscall(SYS_fork));
  if (child == 0) _exit(7);
  reap(child);
  return 0;
}

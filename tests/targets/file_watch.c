// inotify reports what happened in a directory, with names and cookies.
#include <fcntl.h>
#include <sys/inotify.h>

#include "target.h"

int main(void) {
  enter_scratch();
  int watch = (int)MUST(inotify_init1(IN_NONBLOCK));
  say("watch %ld", MUST(inotify_add_watch(watch, ".", IN_CREATE | IN_MODIFY | IN_MOVE | IN_DELETE)));
  int fd = (int)MUST(open("first", O_CREAT | O_WRONLY, 0600));
  MUST(write(fd, "x", 1));
  close(fd);
  MUST(rename("first", "second name"));
  MUST(unlink("second name"));
  char block[1000] __attribute__((aligned(8)));
  for (ssize_t size; (size = read(watch, block, sizeof block)) > 0;)
    for (char* at = block; at < block + size;
         at += sizeof(struct inotify_event) + ((struct inotify_event*)at)->len) {
      struct inotify_event* event = (struct inotify_event*)at;
      say("%#x %u %s", event->mask, event->cookie, event->len ? event->name : "");
    }
  say("%s", strerror(errno));
  leave_scratch();
  return 0;
}

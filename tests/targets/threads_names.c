// Threads give themselves names and read them back through prctl and /proc.
#include <fcntl.h>
#include <pthread.h>
#include <sys/prctl.h>

#include "target.h"

static void* name_itself(void* name) {
  char text[16], path[64];
  MUST(prctl(PR_SET_NAME, name));
  MUST(prctl(PR_GET_NAME, text));
  snprintf(path, sizeof path, "/proc/self/task/%ld/comm", syscall(SYS_gettid));
  int fd = (int)MUST(open(path, O_RDONLY));
  char shown[32] = "";
  MUST(read(fd, shown, sizeof shown - 1));
  close(fd);
  say("%s: %s %s", path, text, shown);
  return NULL;
}

int main(void) {
  static char* names[] = {"anna", "bertha", "a name that is too long for the kernel"};
  for (int i = 0; i < 3; i++) {
    pthread_t thread;
    ZERO(pthread_create(&thread, NULL, name_itself, names[i]));
    ZERO(pthread_join(thread, NULL));
  }
  name_itself("main");
  return 0;
}

// posix_spawn of a missing program answers ENOENT.
#include <spawn.h>

#include "target.h"

int main(void) {
  char* arguments[] = {"nothing", NULL};
  pid_t child = 0;
  int error = posix_spawn(&child, "/nowhere/nothing", NULL, NULL, arguments, arguments);
  say("%s", strerror(error));
  return error == ENOENT ? 0 : 1;
}

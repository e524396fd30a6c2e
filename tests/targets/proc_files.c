// A process reads its maps, state, command line and descriptors in /proc.
#include <dirent.h>
#include <fcntl.h>

#include "target.h"

static void show(const char* path, size_t limit) {
  static char text[60000];
  int fd = (int)MUST(open(path, O_RDONLY));
  size_t size = 0;
  for (ssize_t got;
       size < sizeof text - 1 && (got = MUST(read(fd, text + size, sizeof text - 1 - size))) > 0;)
    size += (size_t)got;
  close(fd);
  if (size > limit) size = limit;
  for (size_t i = 0; i < size; i++)
    if (!text[i]) text[i] = ' ';
  text[size] = 0;
  say("%s:", path);
  for (char* line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) say("  %.200s", line);
}

int main(void) {
  show("/proc/self/maps", 50000);
  show("/proc/self/stat", 1000);
  show("/proc/self/status", 500);
  show("/proc/self/cmdline", 500);
  show("/proc/uptime", 500);
  DIR* directory = opendir("/proc/self/fd");
  for (struct dirent* entry; (entry = readdir(directory));) say("descriptor %s", entry->d_name);
  closedir(directory);
  return 0;
}

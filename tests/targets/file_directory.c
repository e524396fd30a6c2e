// Directories are listed entry by entry, by readdir and by the bare call, and walked by *at calls.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "target.h"

int main(void) {
  enter_scratch();
  for (int i = 0; i < 40; i++) {
    char name[32];
    snprintf(name, sizeof name, "entry-%02d-%s", i, i % 2 ? "short" : "somewhat-longer");
    close((int)MUST(open(name, O_CREAT | O_WRONLY, 0600)));
  }
  DIR* directory = opendir(".");
  unsigned mix = 0, count = 0;
  for (struct dirent* entry; (entry = readdir(directory)); count++) {
    mix = mix * 31 + (unsigned)entry->d_ino + entry->d_type;
    if (count % 8 == 0) say("%s %lu", entry->d_name, (unsigned long)entry->d_ino);
  }
  say("%u entries, mix %08x", count, mix);
  rewinddir(directory);
  char block[400];
  long size, total = 0;
  while ((size = MUST(syscall(SYS_getdents64, dirfd(directory), block, sizeof block))) > 0) total += size;
  say("bytes %ld", total);
  rewinddir(directory);
  for (struct dirent* entry; (entry = readdir(directory));)
    if (entry->d_type == DT_REG) MUST(unlinkat(dirfd(directory), entry->d_name, 0));
  closedir(directory);
  leave_scratch();
  return 0;
}

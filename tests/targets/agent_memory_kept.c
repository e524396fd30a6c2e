// Goes through its own address space as /proc/self/maps shows it, tries to unmap what no file and no name
// explains in the lowest 2 GiB, and reads clocks and interfaces before and after.
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void read_clock(int rounds) {
  struct timespec now;
  for (int i = 0; i < rounds; ++i) clock_gettime(CLOCK_REALTIME, &now);
  printf("%ld.%09ld\n", (long)now.tv_sec, now.tv_nsec);
}

// SIOCGIFCONF: the kernel writes where the structure's own pointer leads.
static void list_interfaces(int rounds) {
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0) return;
  for (int i = 0; i < rounds; ++i) {
    static struct ifreq entries[32];
    struct ifconf list;
    memset(entries, 0, sizeof entries);
    list.ifc_len = sizeof entries;
    list.ifc_req = entries;
    if (ioctl(fd, SIOCGIFCONF, &list) != 0) break;
    if (i + 1 < rounds) continue;
    for (int j = 0; j < list.ifc_len / (int)sizeof *entries; ++j) printf("%s\n", entries[j].ifr_name);
  }
  close(fd);
}

static int unmap_low_memory(void) {
  static char maps[1 << 16];
  size_t size = 0;
  FILE* file = fopen("/proc/self/maps", "r");
  if (file == NULL) return -1;
  size = fread(maps, 1, sizeof maps - 1, file);
  fclose(file);
  maps[size] = 0;
  int refused = 0;
  for (char* line = strtok(maps, "\n"); line != NULL; line = strtok(NULL, "\n")) {
    unsigned long start = 0, end = 0;
    if (sscanf(line, "%lx-%lx", &start, &end) != 2) continue;
    if (start < 0x70000000UL || end > 0x80000000UL) continue;
    refused += munmap((void*)start, 4096) != 0;
    refused += madvise((void*)start, end - start, MADV_DONTNEED) != 0;
    refused += mprotect((void*)start, 4096, PROT_NONE) != 0;
  }
  return refused;
}

int main(void) {
  read_clock(100);
  list_interfaces(30);
  const int refused = unmap_low_memory();
  read_clock(100);
  list_interfaces(30);
  printf("%s\n", refused >= 0 ? "went through it" : "no /proc");
  return 0;
}

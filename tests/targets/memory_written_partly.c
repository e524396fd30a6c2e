// What the kernel writes is there at replay, too, where the call fails half way (mincore at a hole) and where
// the program itself may not read it (a page with PROT_WRITE alone).
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/stat.h>

#include "target.h"

static void show_residence(void) {
  enum { pages = 6 };
  char* memory =
      (char*)MUST(mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  memory[0] = memory[4096] = 1;
  MUST(munmap(memory + 2 * 4096, 4096));
  for (int round = 0; round < 40; round++) {  // by the agent, too
    unsigned char residence[pages];
    memset(residence, 0xee, sizeof residence);
    long result = mincore(memory, pages * 4096, residence);
    if (round % 13 == 0)
      say("mincore: %s: %x %x %x", outcome(result), residence[0], residence[1], residence[2]);
    EXPECT((residence[0] & 1) == 1 && residence[2] == 0xee);
  }
}

static void show_write_only(void) {
  char* page = (char*)MUST(mmap(NULL, 4096, PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  for (int round = 0; round < 20; round++) {
    MUST(syscall(SYS_getcwd, page + 64 * round, 64));
    MUST(syscall(SYS_getrandom, page + 2048 + 8 * round, 8, 0));
    MUST(syscall(SYS_stat, "/", page + 3072));
  }
  MUST(mprotect(page, 4096, PROT_READ));
  for (int round = 0; round < 20; round++) {
    EXPECT(strcmp(page + 64 * round, "/") == 0);
    say("random: %02x", (unsigned char)page[2048 + 8 * round]);
  }
  EXPECT(S_ISDIR(((struct stat*)(page + 3072))->st_mode));
}

int main(void) {
  MUST(chdir("/"));
  show_residence();
  show_write_only();
  return 0;
}

// Touching a mapping beyond the end of its file reaches the SIGBUS handler; growing the file cures it.
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

#include "target.h"

static int fd;

static void handler(int signal, siginfo_t* info, void* context) {
  (void)context;
  say("signal %d code %d, page offset %ld", signal, info->si_code, (long)((intptr_t)info->si_addr & 4095));
  MUST(ftruncate(fd, 8192));
}

int main(void) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  MUST(sigaction(SIGBUS, &action, NULL));
  fd = (int)MUST(memfd_create("short", 0));
  MUST(write(fd, "abc", 3));
  char* map = (char*)MUST(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  say("within the page: %c %d", map[1], map[100]);
  map[4096 + 5] = 'z';
  char byte;
  MUST(pread(fd, &byte, 1, 4096 + 5));
  say("after growing: %c", byte);
  return 0;
}

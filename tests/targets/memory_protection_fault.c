// A write to a read-only page faults; the handler makes the page writable and the write happens.
#include <signal.h>
#include <sys/mman.h>

#include "target.h"

static char* map;
static int faults;

static void handler(int signal, siginfo_t* info, void* context) {
  (void)context;
  long offset = (char*)info->si_addr - map;
  say("signal %d code %d at page %ld", signal, info->si_code, offset / 4096);
  faults++;
  MUST(mprotect(map + offset / 4096 * 4096, 4096, PROT_READ | PROT_WRITE));
}

int main(void) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  MUST(sigaction(SIGSEGV, &action, NULL));
  map = (char*)MUST(mmap(NULL, 8 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  for (int i = 0; i < 8; i += 2) map[i * 4096 + i] = (char)i;
  MUST(mprotect(map, 8 * 4096, PROT_NONE));
  say("sum %d", map[2 * 4096 + 2] + map[4 * 4096 + 4]);
  return faults;
}

// The fs and gs bases are set and read back, by call and, where the processor allows it, by instruction.
#include <asm/prctl.h>
#include <pthread.h>
#include <sys/auxv.h>

#include "target.h"

static uint64_t area[4] = {0, 1234, 5678, 0};

static void* use_base(void* number) {
  uint64_t* mine = malloc(sizeof area);
  memcpy(mine, area, sizeof area);
  mine[1] += (uint64_t)(intptr_t)number;
  unsigned long base = 0, value = 0;
  MUST(syscall(SYS_arch_prctl, ARCH_SET_GS, mine));
  usleep(2000);
  MUST(syscall(SYS_arch_prctl, ARCH_GET_GS, &base));
  __asm__ volatile("mov %%gs:8, %0" : "=r"(value));
  say("gs base as set: %d, word %lu", base == (unsigned long)mine, value);
  free(mine);
  return NULL;
}

int main(void) {
  pthread_t threads[2];
  for (intptr_t i = 0; i < 2; i++) ZERO(pthread_create(&threads[i], NULL, use_base, (void*)i));
  for (int i = 0; i < 2; i++) ZERO(pthread_join(threads[i], NULL));
  unsigned long base = 0, direct = 0;
  MUST(syscall(SYS_arch_prctl, ARCH_GET_FS, &base));
  if (getauxval(AT_HWCAP2) & 2) __asm__ volatile("rdfsbase %0" : "=r"(direct));  // HWCAP2_FSGSBASE
  say("fs base %lx, %lx", base, direct);
  return 0;
}

// rdtsc in loops: hot ones are led to the agent. All registers and flags but eax and edx stay as they were,
// memory below the stack pointer of a leaf function, too; handlers run in between.
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/time.h>

#include "target.h"

static volatile sig_atomic_t alarms;

static void count(int signal) {
  (void)signal;
  alarms++;
}

__attribute__((noinline)) static uint64_t read_counter(void) {
  uint32_t low, high;
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
  return (uint64_t)high << 32 | low;
}

// True: what an rdtsc must leave alone is as before it, with these flags.
__attribute__((noinline)) static int keeps_all(uint64_t flags) {
  uint64_t rcx = 0x1111, r11 = 0x2222, rsi = 0x3333, below = 0, after = 0;
  __asm__ volatile(
      "movq $0x4444, -128(%%rsp)\n\t"
      "movq $0x5555, -8(%%rsp)\n\t"
      "subq $136, %%rsp\n\t"
      "pushq %[flags]\n\t"
      "popfq\n\t"
      "leaq 136(%%rsp), %%rsp\n\t"
      "rdtsc\n\t"
      "leaq -136(%%rsp), %%rsp\n\t"
      "pushfq\n\t"
      "popq %[after]\n\t"
      "leaq 136(%%rsp), %%rsp\n\t"
      "movq -128(%%rsp), %[below]\n\t"
      "addq -8(%%rsp), %[below]"
      : "+c"(rcx), "+S"(rsi), [after] "=&b"(after), [below] "=&D"(below)
      : [flags] "r"(flags)
      : "rax", "rdx", "r11", "memory", "cc");
  __asm__ volatile("movq $0x2222, %%r11\n\trdtsc\n\tmovq %%r11, %0" : "=r"(r11) : : "rax", "rdx", "r11");
  const uint64_t arithmetic = 0xcd5;  // carry, parity, adjust, zero, sign, direction, overflow
  return rcx == 0x1111 && r11 == 0x2222 && rsi == 0x3333 && below == 0x9999 &&
         (after & arithmetic) == (flags & arithmetic);
}

static void* read_many(void* name) {
  uint64_t mix = 0;
  int backward = 0;
  uint64_t last = read_counter();
  for (int i = 0; i < 2000; i++) {
    const uint64_t now = read_counter();
    backward += now < last;
    mix = mix * 31 + now;
    last = now;
    if (i % 100 == 0) (void)!write(-1, "", 0);
  }
  say("%s: %#lx, %d backward", (char*)name, mix, backward);
  return NULL;
}

int main(void) {
  read_many("main");
  int kept = 0;
  for (int i = 0; i < 200; i++) kept += keeps_all(0x202) + keeps_all(0x202 | 0x8d5);
  say("%d of 400 times all was kept", kept);
  struct sigaction action = {.sa_handler = count};
  ZERO(sigaction(SIGALRM, &action, NULL));
  const struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
  ZERO(setitimer(ITIMER_REAL, &often, NULL));
  const uint64_t start = read_counter();
  uint64_t reads = 0;
  while (alarms < 5) {
    reads++;
    if (reads % 64 == 0) (void)!write(-1, "", 0);
    (void)read_counter();
  }
  ZERO(setitimer(ITIMER_REAL, &never, NULL));
  say("%lu reads and %d alarms in %lu ticks", reads, (int)alarms, read_counter() - start);
  pthread_t threads[2];
  ZERO(pthread_create(&threads[0], NULL, read_many, "one"));
  ZERO(pthread_create(&threads[1], NULL, read_many, "two"));
  for (int i = 0; i < 2; i++) ZERO(pthread_join(threads[i], NULL));
  const pid_t child = MUST(fork());
  if (child == 0) {
    read_many("child");
    _exit(0);
  }
  reap(child);
  return 0;
}

// A signal may come between any two instructions of a short loop, with every kind of short instruction in it;
// the handler records where it came, and changes what the loop computes.
#include <sys/time.h>
#include <ucontext.h>

#include "target.h"

enum { signals = 24 };

static volatile sig_atomic_t ticks;
static volatile unsigned long places;
static unsigned long cell;

static void on_tick(int signal, siginfo_t* info, void* context) {
  (void)signal;
  (void)info;
  const ucontext_t* interrupted = context;
  places = places * 31 + (unsigned long)interrupted->uc_mcontext.gregs[REG_RIP] % 4096;
  cell += 3;
  ++ticks;
}

int main(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_tick;
  action.sa_flags = SA_RESTART | SA_SIGINFO;
  ZERO(sigaction(SIGALRM, &action, NULL));
  const struct itimerval every = {{0, 700}, {0, 700}};
  ZERO(setitimer(ITIMER_REAL, &every, NULL));
  unsigned long a = 1, b = 2, c = 0;
  __asm__ volatile(
      "1: inc %0\n"
      "   push %1\n"
      "   xor %0,%1\n"
      "   pop %2\n"
      "   nop\n"
      "   pushf\n"
      "   add (%4),%2\n"
      "   popf\n"
      "   ror $7,%1\n"
      "   cmc\n"
      "   adc %2,%0\n"
      "   call 3f\n"
      "   cmpl %5,%3\n"
      "   jl 1b\n"
      "   jmp 4f\n"
      "3: neg %2\n"
      "   ret\n"
      "4:\n"
      : "+r"(a), "+r"(b), "+r"(c)
      : "m"(ticks), "r"(&cell), "i"(signals)
      : "cc", "memory");
  const struct itimerval off = {{0, 0}, {0, 0}};
  ZERO(setitimer(ITIMER_REAL, &off, NULL));
  say("%lx %lx %lx, interrupted at %lx", a, b, c, (unsigned long)places);
  return 0;
}

// Trapped instructions leave the program's own handling of SIGTRAP and SIGSEGV alone: blocked, ignored,
// default, handled.
#include <cpuid.h>
#include <signal.h>
#include <x86intrin.h>

#include "target.h"

static volatile sig_atomic_t caught;

static void handler(int signal) {
  (void)signal;
  caught++;
}

static void trap_both(void) {
  unsigned a, b, c, d;
  __cpuid(0x8000001e, a, b, c, d);
  say("cpuid %08x %08x, counter %llu", a, b, (unsigned long long)__rdtsc());
}

static void show(const char* when, int signal) {
  sigset_t mask;
  struct sigaction action;
  MUST(sigprocmask(SIG_BLOCK, NULL, &mask));
  MUST(sigaction(signal, NULL, &action));
  say("%s: signal %d is %s, %s", when, signal, sigismember(&mask, signal) ? "blocked" : "not blocked",
      action.sa_handler == SIG_DFL   ? "default"
      : action.sa_handler == SIG_IGN ? "ignored"
                                     : "handled");
}

int main(void) {
  const int signals[] = {SIGTRAP, SIGSEGV};
  void (*const handlers[])(int) = {SIG_DFL, SIG_IGN, handler};
  for (int blocked = 0; blocked < 2; blocked++) {
    for (int i = 0; i < 3; i++) {
      for (int s = 0; s < 2; s++) {
        sigset_t one;
        sigemptyset(&one);
        sigaddset(&one, signals[s]);
        MUST(sigprocmask(blocked ? SIG_BLOCK : SIG_UNBLOCK, &one, NULL));
        EXPECT(signal(signals[s], handlers[i]) != SIG_ERR);
      }
      trap_both();
      show("after it", SIGTRAP);
      show("after it", SIGSEGV);
    }
  }
  sigset_t none;
  sigemptyset(&none);
  MUST(sigprocmask(SIG_SETMASK, &none, NULL));
  __asm__ volatile("int3");  // the program's own
  say("caught %d", (int)caught);
  return caught;
}

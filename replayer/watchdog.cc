#include "replayer/watchdog.h"

#include <sys/time.h>

#include "format/base/error.h"

namespace rec {
namespace {

void interrupt_wait(int) {}

void set_timer(suseconds_t period_us) {
  const itimerval every{{0, period_us}, {0, period_us}};
  if (::setitimer(ITIMER_REAL, &every, nullptr) != 0) fail_with_errno("setitimer");
}

}  // namespace

Watchdog::Watchdog() {
  struct sigaction action {};
  action.sa_handler = interrupt_wait;  // no SA_RESTART
  ::sigaction(SIGALRM, &action, &before_);
  set_timer(100'000);
}

Watchdog::~Watchdog() {
  const itimerval off{};
  ::setitimer(ITIMER_REAL, &off, nullptr);
  ::sigaction(SIGALRM, &before_, nullptr);
}

}  // namespace rec

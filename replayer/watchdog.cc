#include "replayer/watchdog.h"

#include <sys/time.h>

#include "format/base/error.h"

namespace rec {
namespace {

void interrupt_wait(int) {}

void set_timer(time_t seconds) {
  const itimerval every{{seconds, 0}, {seconds, 0}};
  if (::setitimer(ITIMER_REAL, &every, nullptr) != 0) fail_with_errno("setitimer");
}

}  // namespace

Watchdog::Watchdog() {
  struct sigaction action {};
  action.sa_handler = interrupt_wait;  // no SA_RESTART
  ::sigaction(SIGALRM, &action, &before_);
  set_timer(1);
}

Watchdog::~Watchdog() {
  const itimerval off{};
  ::setitimer(ITIMER_REAL, &off, nullptr);
  ::sigaction(SIGALRM, &before_, nullptr);
}

}  // namespace rec

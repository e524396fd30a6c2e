// Ends every waiting of rec's ten times a second (waitpid answers EINTR), so that a replayed task that has
// lost its way and never stops again is noticed, and what one has written meanwhile that runs for long is
// shown.
#pragma once

#include <csignal>

namespace rec {

class Watchdog {
 public:
  Watchdog();
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  struct sigaction before_ {};
};

}  // namespace rec

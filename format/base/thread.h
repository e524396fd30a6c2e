// Threads of rec's own.
#pragma once

#include <thread>
#include <utility>

#include "format/base/signals_blocked.h"

namespace rec {

// A thread to which no signal is delivered: those are for the one that waits for tracees. (SIGXFSZ is among
// them, so that a full quota is an error of write(2), not rec's end.)
template <class F>
[[nodiscard]] std::thread thread_without_signals(F run) {
  const SignalsBlocked blocked;
  return std::thread(std::move(run));
}

}  // namespace rec

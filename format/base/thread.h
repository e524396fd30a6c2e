// Threads of rec's own.
#pragma once

#include <csignal>
#include <thread>
#include <utility>

namespace rec {

// A thread to which no signal is delivered: those are for the one that waits for tracees. (SIGXFSZ is among
// them, so that a full quota is an error of write(2), not rec's end.)
template <class F>
[[nodiscard]] std::thread thread_without_signals(F run) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::move(run));
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace rec

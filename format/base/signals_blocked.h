// A thread that starts another has all signals blocked meanwhile, so that the other one has them blocked for
// good (pthread_create(3)): what is sent to rec is for the thread that began.
#pragma once

#include <csignal>
#include <initializer_list>

namespace rec {

// While it exists, the calling thread has all signals blocked but those in `except`, and SIGBUS: where an
// access to a mapped file raises it blocked, the kernel kills (signal(7)).
class [[nodiscard]] SignalsBlocked {
 public:
  SignalsBlocked(std::initializer_list<int> except = {}) {
    sigset_t all;
    ::sigfillset(&all);
    ::sigdelset(&all, SIGBUS);
    for (const int signal : except) ::sigdelset(&all, signal);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

}  // namespace rec

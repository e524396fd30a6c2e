// A process that has nothing but rec's pages and the arena: each recorded program begins as a fork of it.
#pragma once

#include "format/event.h"

namespace rec {

class Arena;

class Zygote {
 public:
  // Makes it a tracee of the calling thread. `arena` has to outlive it. Throws Error.
  explicit Zygote(const Arena& arena);
  Zygote(const Zygote&) = delete;
  Zygote& operator=(const Zygote&) = delete;
  ~Zygote();

  // Calls of the forks stop by rec's seccomp filter, not by PTRACE_SYSEMU; those of rec's own do not stop.
  [[nodiscard]] bool is_filtered() const { return is_filtered_; }

  // One more process: a child of rec itself, and its tracee, in its first stop. The caller reaps it.
  [[nodiscard]] Tid fork() const;

 private:
  Tid tid_{};
  bool is_filtered_ = false;
};

}  // namespace rec

// Starting a program under control.
#pragma once

#include <linux/filter.h>

#include <csignal>
#include <optional>
#include <string>
#include <vector>

#include "tracee/stopped.h"

namespace rec {

// What the program's process starts with instead of what rec itself has by then.
struct InheritedSignals {
  std::uint64_t mask = 0;
  std::vector<int> ignored;

  // As rec's own process has them now: call it before rec changes its own.
  static InheritedSignals capture();
};

struct LaunchOptions {
  std::string executable;  // a path; no search
  std::vector<std::string> arguments;
  // Seccomp program, installed right before the exec. Empty: none.
  std::vector<sock_filter> filter;
  // Whether a filter of somebody else's holds already: that may refuse to let another one be installed.
  bool under_filter = false;
  std::uint64_t ptrace_options = 0;
  InheritedSignals signals;
};

struct Launched {
  Stopped task;
  bool filtered;  // options.filter is installed
};

// Forks and returns the child at its execve of `executable`, in the seccomp stop, or without a filter or
// under one already in the system-call entry stop; everything else it did is behind it. The child is traced
// by the calling thread and dies with it (PTRACE_O_EXITKILL is the caller's to give). Timing instructions
// trap from its first instruction on (PR_SET_TSC, prctl(2)). Throws Error when the child could not be set up;
// the text says what of it failed and what to do.
[[nodiscard]] Launched launch(const LaunchOptions& options);

// The file that execvp(3) would run for `program`; nullopt when there is none. `*error` is then ENOENT or
// EACCES.
[[nodiscard]] std::optional<std::string> find_executable(const std::string& program, int* error);

}  // namespace rec

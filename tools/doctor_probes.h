// What rec needs of the machine and of the container around it, found out by trying.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace rec {

// Errors are errno values; 0: it works.
struct Machine {
  std::string kernel;  // uname -r
  int ptrace_error = 0;
  std::optional<int> yama_scope;  // absent: the kernel has no Yama
  int filter_error = 0;           // of installing rec's seccomp filter
  bool foreign_filter = false;    // one that is not rec's applies already
  bool counter_traps = false;     // PR_SET_TSC makes rdtsc fault
  bool cpuid_faults = false;
  int userfaultfd_error = 0;
  bool asynchronous_protection = false;  // of userfaultfd: WP_ASYNC
  bool pagemap_scan = false;
  bool soft_dirty = false;
  int performance_counter_error = 0;
  std::string directory;  // where recordings go; empty: the environment names none
  int directory_error = 0;
  std::uint64_t free_bytes = 0;
};

// Tries all of it, what could do harm in child processes. `directory`: as trace_directory() says; nothing is
// created.
[[nodiscard]] Machine examine_machine(const std::string& directory);

}  // namespace rec

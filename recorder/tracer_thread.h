// What one of the recorder's tracer threads (tracee/tracer.h) has for itself, and when a domain goes to
// another.
//
// A domain that stops often gets a thread of its own, as far as there are processors: its stops are then
// dealt with while those of other domains wait for nobody. Most processes never stop that often: their calls
// are recorded by the agent, and they stay with the thread that traces who made them.
#pragma once

#include <sys/ptrace.h>

#include <cstdint>

#include "recorder/pinning.h"

namespace rec {

inline constexpr std::uint64_t trace_options =
    PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
    PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL;

struct TracerThread {
  explicit TracerThread(const cpu_set_t& processors) : pinning(processors) {}

  Pinning pinning;
  std::uint32_t stops_since_look = 0;
  std::uint32_t stops_since_gathered = 0;
  std::uint64_t records_at_last_stop = 0;
};

// How often the tasks of a domain stop at calls.
class StopRate {
 public:
  // One more. True: the first one of a new stretch of time.
  bool count(std::uint64_t now_ns);
  // In the last stretch that is over.
  [[nodiscard]] std::uint32_t of_last_stretch(std::uint64_t now_ns) const;

  // At a rate below this a domain is nobody's burden.
  static constexpr std::uint32_t few = 16;

 private:
  static constexpr std::uint64_t stretch_ns = 10'000'000;

  std::uint64_t stretch_ = 0;
  std::uint32_t in_stretch_ = 0;
  std::uint32_t in_last_ = 0;
};

}  // namespace rec

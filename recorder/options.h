// What `rec record` was asked to do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "format/cpu_features.h"
#include "tracee/launch.h"

namespace rec {

struct RecordOptions {
  std::vector<std::string> command;         // argv of the program
  std::string executable;                   // what argv[0] resolved to
  InheritedSignals signals;                 // as rec was started with
  std::uint64_t snap_length = 4096;         // bytes kept of a path or structure that the program passed
  std::uint64_t snap_bulk = 64;             // … and of bulk data
  std::optional<std::uint64_t> chaos_seed;  // random schedules, from this seed (recorder/chaos.h)
  CpuBaseline cpu_baseline = CpuBaseline::native;  // what the program is told of the processor
  std::uint64_t slice_ns = 50'000'000;  // how long a task may compute while a signal or another task waits
  // Neither the files that the program maps nor what it reads are kept: to be looked at, not replayed.
  bool without_content = false;
  std::uint64_t max_event_bytes = 0;  // memory kept of one call; 0: all. What is cut cannot be replayed.
  bool under_filter = false;  // a seccomp filter that is not rec's applies to rec, and so to the program
  std::size_t tracers = 0;    // threads that trace, at most; 0: as many as there are processors
  bool agent = true;          // calls are recorded inside the program where that can be
  bool quiet = false;         // no remarks on stderr (they are in the trace all the same)
};

}  // namespace rec

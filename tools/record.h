// `rec record`, and recording for `rec strace`.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "format/base/error.h"
#include "format/cpu_features.h"
#include "tracee/launch.h"

namespace rec {

// `signals` are rec's own as it was started. `*exit_status` becomes that of the program; a program that was
// ended by a signal ends rec by the same one.
void add_record(CLI::App& app, const InheritedSignals& signals, int* exit_status);

struct RecordRequest {
  std::vector<std::string> command;
  InheritedSignals signals;
  bool quiet = false;
  bool uses_agent = true;               // see `rec record --no-agent`
  std::uint64_t slice_ns = 50'000'000;  // see RecordOptions
  std::size_t tracers = 0;              // see RecordOptions
  std::optional<std::uint64_t> chaos_seed = std::nullopt;
  CpuBaseline cpu_baseline = CpuBaseline::native;
  std::uint64_t least_data =
      0;                    // bytes of what the program writes that are kept for printing, if more than usual
  bool whole_data = false;  // all of them
  bool progress = false;    // see `rec record --help`, as for the rest
  bool on_failure_only = false;
  std::size_t keep = 0;  // newest recordings in the trace directory; 0: all
  bool without_content = false;
  std::uint64_t max_size = 0;         // bytes; 0: no limit
  std::uint64_t max_event_bytes = 0;  // 0: no limit
};

// The program was not found (errno ENOENT), or cannot be executed.
class CannotRun : public Error {
 public:
  CannotRun(const std::string& program, int errno_value)
      : Error(fmt::format("cannot run ‘{}’: {}", program, errno_text(errno_value)), errno_value) {}
};

// Runs the program to its end and records it to `path`, or to a new file in the trace directory if it is
// empty. Returns its wait status (wait(2)). Throws CannotRun (no trace is left then), Error.
[[nodiscard]] int record_program(const RecordRequest& request, const std::string& path);

}  // namespace rec

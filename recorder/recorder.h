// Recording a program: the one entry into this room.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "format/base/error.h"
#include "format/trace_writer.h"
#include "recorder/options.h"

namespace rec {

struct RecordResult {
  int wait_status = 0;  // of the program's first process (wait(2))
  std::uint64_t events = 0;
  std::uint64_t wall_ns = 0;
  // CPU time of the program, as far as the kernel tells rec: of processes that their own parents waited for
  // it does, of those whose parents ignore SIGCHLD it does not.
  std::uint64_t program_cpu_ns = 0;
  std::optional<std::string> why_ended_early;  // the trace, before the program
};

// The program's first execve failed; nothing of it ran.
class ExecFailed : public Error {
 public:
  using Error::Error;
};

// What the header of a recording made now, of this command, says.
[[nodiscard]] TraceHeader describe_recording(const RecordOptions& options);

// Runs the program to the end of its last process and writes all of it to `writer`, which is finished then.
// When the file cannot grow any more the program runs on all the same; the trace ends there.
// Throws Error when the program cannot be started or recorded; what was recorded until then is in the file.
[[nodiscard]] RecordResult record(const RecordOptions& options, TraceWriter& writer);

}  // namespace rec

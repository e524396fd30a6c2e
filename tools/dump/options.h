// How `rec dump` and `rec strace` print, as chosen on their command lines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "tools/dump/filter.h"
#include "tools/dump/text.h"

namespace rec::dump {

enum class TimeStamp : std::uint8_t {
  none,
  relative,      // -r: since the line before
  clock,         // -t
  clock_micros,  // -tt
  epoch_micros,  // -ttt
};

enum class DecodeFds : std::uint8_t {
  none,
  paths,    // -y: 3</etc/passwd>, 4<socket:[1]>
  details,  // -yy: also protocols and addresses of sockets, numbers of devices
};

enum class Format : std::uint8_t { text, json };

// Which part of the trace. Times count from its beginning.
struct Selection {
  std::optional<std::int32_t> pid;  // one process (all its threads), or one thread
  std::optional<std::int32_t> tid;
  std::uint64_t since_ns = 0;
  std::uint64_t until_ns = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t first_event = 0;
  std::uint64_t last_event = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t least_duration_ns = 0;  // of calls
  bool first_task_only = false;         // as strace without -f

  [[nodiscard]] bool is_whole() const {
    return since_ns == 0 && first_event == 0 && until_ns == std::numeric_limits<std::uint64_t>::max() &&
           last_event == std::numeric_limits<std::uint64_t>::max();
  }
};

struct DumpOptions {
  std::size_t string_limit = 32;  // -s: bytes of a string, elements of an array
  TimeStamp time_stamp = TimeStamp::none;
  bool durations = false;  // -T
  bool traps = false;      // --traps: rdtsc and its like, which strace cannot see
  Constants constants = Constants::names;
  Escapes escapes = Escapes::octal;
  DecodeFds decode_fds = DecodeFds::none;
  bool decode_pids = false;            // --decode-pids=comm
  bool decode_pid_namespaces = false;  // --decode-pids=pidns
  std::size_t result_column = 40;

  CallFilter calls;                                     // -e trace=
  CallFilter abbreviated;                               // -e abbrev=; -v: none
  CallFilter dereferenced;                              // -e verbose=
  CallFilter raw = CallFilter("none");                  // -e raw=
  NumberFilter statuses = NumberFilter::all();          // -e status=, of Status
  bool filters_statuses = false;                        // then lines are printed when calls have ended
  NumberFilter signals = NumberFilter::all();           // -e signal=
  NumberFilter data_read_from = NumberFilter::none();   // -e read=
  NumberFilter data_written_to = NumberFilter::none();  // -e write=
  std::vector<std::string> paths;                       // -P
  Selection selection;

  Format format = Format::text;
  std::string output;             // -o; empty: standard output (`rec strace`: standard error)
  bool separate_outputs = false;  // -ff: output.TID
  bool shows_attaching = true;    // "strace: Process 7 attached"; not with -q or -o
  bool shows_exits = true;        // "+++ exited with 0 +++"; not with -qq
  bool shows_superseding = true;  // "+++ superseded by execve …"; not with -qqq
  bool colours = false;           // where output goes to a terminal
  bool dumps_data = false;        // -e read= or -e write= is given
};

}  // namespace rec::dump

// What `rec stat` prints.
#pragma once

#include <string>

#include "format/trace.h"
#include "tools/stat/options.h"
#include "tools/stat/statistics.h"

namespace rec::stat {

// What is said about the trace itself.
struct Subject {
  std::string trace;  // its path
  std::vector<std::string> command;
  bool is_complete = true;  // false: cut off or damaged, what could be read was counted
};

// Tables as `strace -c` prints them, byte for byte for its own columns; then, where wanted, errors and the
// longest calls.
[[nodiscard]] std::string text_report(const Result& result, const Options& options);

// Everything that is known, whatever the columns; times in ns. Field names are stable.
[[nodiscard]] std::string json_report(const Result& result, const Options& options, const Subject& subject);

// The same as RFC 4180 has it: one line of names, one for each row; without the longest calls.
[[nodiscard]] std::string csv_report(const Result& result, const Options& options);

// The rows of a group in the order that the options want, with the figures that are printed.
struct Line {
  std::string name;
  const Counts* counts = nullptr;
  Distribution::Summary times;
};
[[nodiscard]] std::vector<Line> ordered_lines(const Group& group, const Options& options);

}  // namespace rec::stat

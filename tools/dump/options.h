// How `rec dump` prints, as chosen on its command line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace rec::dump {

enum class TimeStamp : std::uint8_t {
  none,
  relative,      // -r: since the line before
  clock,         // -t
  clock_micros,  // -tt
  epoch_micros,  // -ttt
};

struct DumpOptions {
  std::size_t string_limit = 32;  // -s: bytes of a string, elements of an array
  TimeStamp time_stamp = TimeStamp::none;
  bool durations = false;           // -T
  bool traps = false;               // --traps: rdtsc and its like, which strace cannot see
  std::optional<std::int32_t> pid;  // --pid: one process (all its threads) or one thread
  std::string calls;                // -e trace=…; empty: all
  std::string output;               // -o; empty: standard output
};

}  // namespace rec::dump

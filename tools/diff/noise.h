// What differs between any two runs of a program, and says nothing: addresses, times, task numbers, names of
// temporary files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "format/base/ids.h"

namespace rec::diff {

// A task's place among those of its trace: the n-th task that a task made has the same place in both.
using Place = std::uint32_t;

// What one trace's numbers stand for.
struct Numbering {
  std::unordered_map<std::int32_t, Place> places;  // of task ids, of all tasks so far
  std::uint64_t start_realtime_ns = 0;             // texts with times near it are times of the day
};

// `text`, as dump prints it, with words in place of what is noise by its looks:
//   0x7f0123456789 → 0x*     tv_sec=17 → tv_sec=*     12:30:59.5, 2026-11-21, 1.25 ms → *     1234 → task:3
// if 1234 is a task. Numbers below 100 are left alone unless they are in a field named …pid.
[[nodiscard]] std::string without_noise(std::string_view text, const Numbering& numbering);

// Names that a program makes up anew in each run, told by their pairs: what is tmp.Ab3x in one trace and
// tmp.Zq9k in the other is so everywhere.
class Names {
 public:
  // What a text is, for how much may be made of a difference in it.
  enum class Origin : std::uint8_t {
    any,
    created,  // the call makes a file that must not be there before: its name may be any word
  };
  enum class Learning : std::uint8_t {
    pairs,    // new pairs are remembered
    nothing,  // for trying whether events would match
  };

  // Whether two texts without noise say the same apart from such names.
  [[nodiscard]] bool are_same(std::string_view a, std::string_view b, Origin origin, Learning learning);

 private:
  std::unordered_map<std::string, std::string> b_of_a_;
  std::unordered_map<std::string, std::string> a_of_b_;
};

}  // namespace rec::diff

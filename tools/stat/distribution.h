// How long the calls of one kind took: every value is kept, so that percentiles are exact.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rec::stat {

// Equal durations are kept once, with their number. That bounds the memory by the time recorded, not by the
// number of calls: d different durations take at least d²/2 ns together, so an hour spent in calls has at
// most 2.7 million.
class Distribution {
 public:
  void add(std::uint64_t nanoseconds) {
    total_ += nanoseconds;
    recent_.push_back(nanoseconds);
    if (recent_.size() >= most_recent_) gather();
  }
  void add(const Distribution& other);

  struct Summary {
    std::uint64_t count = 0;
    std::uint64_t total = 0;  // all in ns
    std::uint64_t min = 0;
    std::uint64_t max = 0;
    double mean = 0;
    double deviation = 0;   // of the sample: divided by count - 1; 0 for a single value
    std::uint64_t p50 = 0;  // nearest rank: the least value that so many per cent of the values do not exceed
    std::uint64_t p95 = 0;
    std::uint64_t p99 = 0;
  };
  [[nodiscard]] Summary summary() const;

  [[nodiscard]] std::uint64_t total() const { return total_; }

 private:
  struct Run {
    std::uint64_t value;
    std::uint64_t count;
  };
  void gather() const;

  // summary() is const to its user; it sorts what has come since.
  mutable std::vector<Run> runs_;  // by value
  mutable std::vector<std::uint64_t> recent_;
  mutable std::size_t most_recent_ = least_recent;
  std::uint64_t total_ = 0;

  static constexpr std::size_t least_recent = 4096;
};

}  // namespace rec::stat

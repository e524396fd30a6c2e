#include "tools/stat/distribution.h"

#include <algorithm>
#include <cmath>

namespace rec::stat {

void Distribution::add(const Distribution& other) {
  other.gather();
  gather();
  std::vector<Run> merged;
  merged.reserve(runs_.size() + other.runs_.size());
  std::merge(runs_.begin(), runs_.end(), other.runs_.begin(), other.runs_.end(), std::back_inserter(merged),
             [](const Run& a, const Run& b) { return a.value < b.value; });
  runs_.clear();
  for (const Run& run : merged) {
    if (!runs_.empty() && runs_.back().value == run.value) {
      runs_.back().count += run.count;
    } else {
      runs_.push_back(run);
    }
  }
  total_ += other.total_;
}

void Distribution::gather() const {
  std::sort(recent_.begin(), recent_.end());
  std::vector<Run> merged;
  merged.reserve(runs_.size());
  const auto append = [&merged](const Run& run) {
    if (!merged.empty() && merged.back().value == run.value) {
      merged.back().count += run.count;
    } else {
      merged.push_back(run);
    }
  };
  auto run = runs_.begin();
  for (const std::uint64_t value : recent_) {
    for (; run != runs_.end() && run->value <= value; ++run) append(*run);
    append({value, 1});
  }
  for (; run != runs_.end(); ++run) append(*run);
  runs_ = std::move(merged);
  recent_.clear();
  // As many again before the next time: what merging costs a value stays the same.
  most_recent_ = std::max(least_recent, runs_.size());
}

Distribution::Summary Distribution::summary() const {
  gather();
  Summary summary;
  if (runs_.empty()) return summary;
  summary.total = total_;
  summary.min = runs_.front().value;
  summary.max = runs_.back().value;
  for (const Run& run : runs_) summary.count += run.count;
  const auto count = static_cast<double>(summary.count);
  summary.mean = static_cast<double>(total_) / count;
  double squares = 0;
  std::uint64_t seen = 0;
  for (const Run& run : runs_) {
    const double distance = static_cast<double>(run.value) - summary.mean;
    squares += distance * distance * static_cast<double>(run.count);
    // Rank ⌈percent · count / 100⌉, the first of the run's ranks being seen + 1.
    const auto reaches = [&](std::uint64_t percent) {
      const std::uint64_t rank = summary.count / 100 * percent + (summary.count % 100 * percent + 99) / 100;
      return seen < rank && rank <= seen + run.count;
    };
    if (reaches(50)) summary.p50 = run.value;
    if (reaches(95)) summary.p95 = run.value;
    if (reaches(99)) summary.p99 = run.value;
    seen += run.count;
  }
  if (summary.count > 1) summary.deviation = std::sqrt(squares / (count - 1));
  return summary;
}

}  // namespace rec::stat

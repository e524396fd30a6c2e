// Tracer and tracee on one processor while only one of the program's tasks can run anyway: changing over to
// the tracer and back then costs a context switch (some 8 µs a stop) instead of waking another core (some 70
// µs).
//
// The program does not see it: sched_getaffinity answers with what it would have been. Once the program sets
// an affinity itself, or a second domain can run in parallel, everything is as it was.
#pragma once

#include <sched.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "format/base/ids.h"
#include "tracee/time_stamp_trap.h"

namespace rec {

class Pinning {
 public:
  Pinning();

  // To be asked at every stop, with whether the program has only one domain: true after many stops in a row
  // with one.
  [[nodiscard]] bool wants_to_pin(bool one_domain);
  // The tasks went on by themselves since their last stop: each on its own processor, they and rec do better.
  void count_anew() { stops_in_one_domain_ = 0; }
  void pin(const std::vector<Tid>& tasks);
  void unpin(const std::vector<Tid>& tasks);
  // The program takes its affinity in its own hands.
  void give_up(const std::vector<Tid>& tasks);

  [[nodiscard]] bool is_pinned() const { return pinned_; }
  // What the tasks' affinity would be.
  [[nodiscard]] const cpu_set_t& original() const { return original_; }

 private:
  void set_all(const std::vector<Tid>& tasks, const cpu_set_t& set) const;

  cpu_set_t original_{};
  std::optional<TimeStampTrap> as_the_tracees_;  // while they share its processor
  bool pinned_ = false;
  bool allowed_ = false;
  std::uint32_t stops_in_one_domain_ = 0;
};

}  // namespace rec

// Tracer and tracee on one processor while only one of the program's tasks runs at a time anyway: changing
// over to the tracer and back then costs a context switch (some 8 µs a stop) instead of waking another core
// (some 70 µs). A shell that waits for the command that it started is such a program, too.
//
// The program does not see it: sched_getaffinity answers with what it would have been. Once the program sets
// an affinity itself, or domains do run in parallel, everything is as it was.
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
  // Of the calling thread and the tasks that it traces, which would run on `original`.
  explicit Pinning(const cpu_set_t& original);

  // To be told now and then, at stops, whether domains run in parallel.
  void look(bool parallel);
  // The same at every stop, whether the time-stamp counter traps in the task (PR_SET_TSC).
  void look_at_counter(bool traps);
  // The tasks went on by themselves since their last stop: each on its own processor, they and rec do better.
  void count_anew() { parallel_share_ = 1; }
  [[nodiscard]] bool wants_to_pin() const { return allowed_ && !pinned_ && parallel_share_ < to_pin; }
  [[nodiscard]] bool wants_to_unpin() const { return pinned_ && parallel_share_ > to_unpin; }
  // Decides for a processor, not one of those that are `taken` (by other tracers and what they trace) unless
  // all are. From then on it counts as pinned; pin() moves the tasks there, which waits for those that run.
  void choose_processor(const cpu_set_t& taken);
  void pin(const std::vector<Tid>& tasks);
  void unpin(const std::vector<Tid>& tasks);
  // A new task, made by one that may have been pinned otherwise than it is now.
  void adopt(Tid task) const;
  // A task that another thread has traced.
  void take(Tid task) const;
  // The program takes its affinity in its own hands.
  void give_up(const std::vector<Tid>& tasks);

  [[nodiscard]] bool is_allowed() const { return allowed_; }
  [[nodiscard]] bool is_pinned() const { return pinned_; }
  // Adds the processor that it is pinned to.
  void add_to(cpu_set_t* set) const;
  // What the tasks' affinity would be.
  [[nodiscard]] const cpu_set_t& original() const { return original_; }

 private:
  static constexpr double to_pin = 0.1;
  static constexpr double to_unpin = 0.5;

  // Where the tasks shall run now.
  [[nodiscard]] const cpu_set_t& wanted() const { return pinned_ ? one_ : original_; }
  void set_all(const std::vector<Tid>& tasks, const cpu_set_t& set) const;
  void follow_counter();

  cpu_set_t original_{};
  cpu_set_t one_{};  // the processor that was chosen last
  std::optional<TimeStampTrap>
      as_the_tracees_;     // while they share its processor, and the counter traps there
  double trap_share_ = 1;  // of the last stops, of tasks in which it does
  bool pinned_ = false;
  bool allowed_ = false;
  bool was_pinned_ = false;
  // Of the last looks, in which domains ran in parallel. A program begins with one task, and many stops.
  double parallel_share_ = 0;
};

}  // namespace rec

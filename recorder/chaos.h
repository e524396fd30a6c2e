// Chaos: schedules that are legal but unlikely, to bring races out (rec record --chaos).
//
// Plain recording runs one thread of a process until it waits or its slice is over: races hardly ever happen.
// Chaos makes every choice that is rec's to make by a random number: who runs next, for how long, and at
// which instruction after a system call a thread loses its turn. Time goes by in stretches; each has its own
// temper (how often turns are taken away, how long slices are), and tasks have a priority that changes from
// stretch to stretch, so that now and then a thread is left behind while all others go on.
//
// The seed makes the choices, not the schedule: how far a thread gets in a slice is the machine's doing. A
// failure is reproduced by replaying its trace.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <random>

namespace rec {

struct Task;

class Chaos {
 public:
  explicit Chaos(std::uint64_t seed) : random_(seed) {}

  // Who of those who wait gets the turn: an index into `waiting`, which is not empty. `last`: who gave it up;
  // is chosen again half of the time only, while there are others.
  [[nodiscard]] std::size_t choose(const std::deque<Task*>& waiting, const Task* last, std::uint64_t now_ns);

  // Length of the turn that begins now.
  [[nodiscard]] std::uint64_t slice_ns(std::uint64_t now_ns);
  // Whether a task that has just come out of a system call loses its turn right there.
  [[nodiscard]] bool ends_turn(std::uint64_t now_ns);
  // After how many instructions the task, which goes to user code, loses its turn; 0: not this way.
  [[nodiscard]] std::uint32_t instructions(Task& task, const std::deque<Task*>& waiting,
                                           std::uint64_t now_ns);
  // Whether it does so here already, where a race may be.
  [[nodiscard]] bool takes_place();
  // Which of `count` tracer threads a task shall have from here on; nullopt: the one that it has.
  [[nodiscard]] std::optional<std::size_t> tracer(std::size_t count);
  // It has lost its turn so, and stepping it there took so long. Perhaps it is left behind for a while.
  void interrupted(Task& task, std::uint64_t took_ns);

  // A timer that misses none of the short slices.
  static constexpr std::uint64_t timer_period_ns = 500'000;

 private:
  void begin_stretch(std::uint64_t now_ns);
  // `stretches_` counts them; a task draws a new priority in each.
  [[nodiscard]] unsigned priority_of(Task& task);
  [[nodiscard]] bool happens(double probability);
  // Between 1 and `most`; small numbers as often as large ones.
  [[nodiscard]] std::uint64_t up_to(double most);

  std::mt19937_64 random_;
  std::uint64_t stretch_ends_ns_ = 0;
  std::uint64_t stretches_ = 0;
  double longest_slice_ns_ = 0;
  double call_ends_turn_ = 0;
  double stops_in_code_ = 0;
  double stops_whom_others_wait_for_ = 0;  // that much less those who are above all who wait
  double takes_place_ = 0;
  std::uint64_t stepping_ns_ = 0;  // so far
};

}  // namespace rec

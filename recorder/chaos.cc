#include "recorder/chaos.h"

#include <algorithm>
#include <cmath>

#include "recorder/task.h"

namespace rec {
namespace {

constexpr double longest_stretch_ns = 50e6;
constexpr double longest_slice_ns = 20e6;
// Stepping costs some 20 µs an instruction.
constexpr std::uint32_t most_instructions = 300;
constexpr double stepping_share = 0.4;
constexpr double stepping_at_first_ns = 100e6;

}  // namespace

bool Chaos::happens(double probability) {
  return std::uniform_real_distribution<double>(0, 1)(random_) < probability;
}

std::uint64_t Chaos::up_to(double most) {
  return static_cast<std::uint64_t>(
      std::exp(std::uniform_real_distribution<double>(0, std::log(most))(random_)));
}

void Chaos::begin_stretch(std::uint64_t now_ns) {
  if (now_ns < stretch_ends_ns_) return;
  stretch_ends_ns_ = now_ns + static_cast<std::uint64_t>(std::uniform_real_distribution<double>(
                                  longest_stretch_ns / 20, longest_stretch_ns)(random_));
  ++stretches_;
  longest_slice_ns_ = static_cast<double>(up_to(longest_slice_ns));
  // Calm stretches let races ripen; in wild ones they happen. Those that need two threads in the midst of
  // something happen where every turn may end anywhere.
  const bool is_wild = happens(0.5);
  double wildness = is_wild || happens(0.3) ? 0 : std::uniform_real_distribution<double>(0.2, 1)(random_);
  if (is_wild) wildness = 1;
  stops_whom_others_wait_for_ = is_wild ? 1 : 0.1;
  call_ends_turn_ = wildness * 0.5;
  stops_in_code_ = wildness;
  takes_place_ = std::uniform_real_distribution<double>(0.15, 0.5)(random_);
}

unsigned Chaos::priority_of(Task& task) {
  if (task.priority_drawn_in != stretches_) {
    task.priority_drawn_in = stretches_;
    task.priority = happens(0.25) ? 0 : 1;
  }
  return task.priority;
}

std::size_t Chaos::choose(const std::deque<Task*>& waiting, const Task* last, std::uint64_t now_ns) {
  begin_stretch(now_ns);
  // Now and then it goes on: otherwise no task could be left behind for longer than one turn of another.
  const bool last_may_go_on = happens(0.5);
  std::size_t best = 0;
  unsigned best_priority = 0;
  unsigned alike = 0;
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    if (waiting[i] == last && waiting.size() > 1 && !last_may_go_on) continue;
    const unsigned priority = priority_of(*waiting[i]) + 1;
    if (priority < best_priority) continue;
    alike = priority > best_priority ? 1 : alike + 1;
    best_priority = priority;
    // Each of those that are alike with the same probability.
    if (std::uniform_int_distribution<unsigned>(1, alike)(random_) == 1) best = i;
  }
  return best;
}

std::uint64_t Chaos::slice_ns(std::uint64_t now_ns) {
  begin_stretch(now_ns);
  return up_to(longest_slice_ns_ + 1);
}

bool Chaos::ends_turn(std::uint64_t now_ns) {
  begin_stretch(now_ns);
  return happens(call_ends_turn_);
}

std::uint32_t Chaos::instructions(Task& task, const std::deque<Task*>& waiting, std::uint64_t now_ns) {
  begin_stretch(now_ns);
  if (static_cast<double>(stepping_ns_) > stepping_share * static_cast<double>(now_ns) + stepping_at_first_ns)
    return 0;
  const unsigned own = priority_of(task);
  const bool is_above_all = !waiting.empty() && std::all_of(waiting.begin(), waiting.end(), [&](Task* other) {
    return priority_of(*other) < own;
  });
  const double probability = is_above_all ? stops_in_code_ * stops_whom_others_wait_for_ : stops_in_code_;
  if (!happens(probability)) return 0;
  // Soon, or only behind what a library does first.
  if (happens(0.4)) return static_cast<std::uint32_t>(up_to(most_instructions));
  return std::uniform_int_distribution<std::uint32_t>(most_instructions / 4, most_instructions)(random_);
}

std::optional<std::size_t> Chaos::tracer(std::size_t count) {
  constexpr double changes = 0.05;
  if (!happens(changes)) return std::nullopt;
  return std::uniform_int_distribution<std::size_t>(0, count - 1)(random_);
}

bool Chaos::takes_place() { return happens(takes_place_); }

void Chaos::interrupted(Task& task, std::uint64_t took_ns) {
  stepping_ns_ += took_ns;
  task.priority_drawn_in = stretches_;
  task.priority = happens(0.8) ? 0 : 1;
}

}  // namespace rec

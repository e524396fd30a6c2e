// What the recorded program wrote to what was rec's own standard output and error then, shown where it goes
// now: in the order in which it was written, and not before the program has come so far.
//
// A task's agent makes calls one behind the other out of its ring, without a stop. What these wrote waits
// until the task has made them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "format/event.h"

namespace rec {

// Where the output of the recorded program goes. The default: rec's own standard output and error.
struct ReplayOutput {
  int standard_output = 1;
  int standard_error = 2;
};

class ProgramOutput {
 public:
  explicit ProgramOutput(ReplayOutput output) : output_(output) {}

  // Whether the event is a call that wrote there.
  [[nodiscard]] static bool is_shown(const Event& event);

  // At once. Throws Error when it cannot be written; so does show_until().
  void show(const Event& event) const;
  // Later: the call is in a task's ring, and ends at this position there.
  void keep(const Event& event, std::uint64_t end);
  // What waits of calls up to this position.
  void show_until(std::uint64_t position);
  [[nodiscard]] bool waits() const { return !waiting_.empty(); }

 private:
  struct Waiting {
    int fd;
    std::size_t size;
    std::uint64_t end;
  };

  [[nodiscard]] int fd_for(const Event& event) const;

  ReplayOutput output_;
  std::vector<Waiting> waiting_;
  std::vector<std::byte> bytes_;  // of all of these
};

}  // namespace rec

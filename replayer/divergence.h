// A replay that does not go as recorded. It is a bug in rec until proven otherwise.
#pragma once

#include <stdexcept>
#include <string>

#include "format/event.h"
#include "replayer/task.h"

namespace rec {

class Divergence : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// One line about an event: what a person needs to recognise it.
[[nodiscard]] std::string describe_event(const Event& event);
// What the task does at the place where it is stopped.
[[nodiscard]] std::string describe_position(const ReplayTask& task);

// Throws Divergence: event, task, call, expected, actual, the task's last events, and what to send.
[[noreturn]] void diverge(const Event& event, const ReplayTask& task, const std::string& expected,
                          const std::string& actual);

}  // namespace rec

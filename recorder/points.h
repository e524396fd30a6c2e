// Points: places in the middle of user code at which a task is interrupted, so that a signal can be delivered
// or another task of its domain gets its turn, and which replay finds again by the task's whole state
// (tracee/execution_point.h).
//
// A point is the last resort: signals and turns wait for a system call as long as a slice. So points are
// rare, and what one costs (some 0.2 ms, and more the more memory there is to hash) is bounded.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "format/registers.h"
#include "tracee/memory_hash.h"

namespace rec {

class Session;
struct Task;

// What is known of a task that computes for long.
struct Computing {
  std::uint64_t since_ns = 0;            // when it last went to user code, as of the sample
  std::optional<Registers> last_sample;  // its registers when it was looked at last
  std::uint64_t spun_at = 0;             // the instruction near which it was last seen to spin
};

// The task was interrupted to see whether it gets anywhere: true if it spins, that is, goes round in a short
// loop without changing a register. Precondition: it is stopped in user code.
[[nodiscard]] bool is_spinning(Task& task);

// Takes the task a few instructions on, to one that replay can stop at, and appends a point event. False: it
// cannot be had right here; the task runs on already, or what else it stopped for was dealt with.
// Precondition: it is stopped in user code.
// `instructions`: so many are run before.
[[nodiscard]] bool take_point(Session& session, Task& task, std::uint32_t instructions = 0);

}  // namespace rec

// The agent at replay: the same code at the same addresses, which answers the program's calls from a ring
// that is filled from the trace.
//
// Calls that the agent made are gathered per task and not run one by one: a task runs through all of them
// when its next other event comes, when the ring is full, or when its state is asked for.
#pragma once

#include <cstdint>
#include <memory>

#include "format/event.h"
#include "replayer/task.h"
#include "tracee/agent_memory.h"

namespace rec {

class Replayer;

namespace replay_agent {

// An event of kind `agent`: what rec changed in the program. Precondition: the task stands behind its last
// event.
void replay_change(Replayer& replayer, ReplayTask& task, const Event& event);

// Puts the call into the task's ring; false: there is no room before the task has run.
[[nodiscard]] bool queue_call(ReplayTask& task, const Event& event);

// Whether calls wait in the ring.
[[nodiscard]] bool has_calls(const ReplayTask& task);
// Positions in the ring, which grow: behind the last call in it, and behind the last one that the task has
// made. They begin anew when the ring is empty. To be asked while the task runs, too.
[[nodiscard]] std::uint64_t ring_end(const ReplayTask& task);
[[nodiscard]] std::uint64_t ring_position(const ReplayTask& task);

// What the agent does when the ring is empty: `traced`: the next call is an ordinary stop. Otherwise the task
// stops right behind the last call of the ring.
void set_end(const ReplayTask& task, bool traced);

// The task stopped by a breakpoint: true if it is the one behind the last call of the ring; its registers are
// the program's again then. Throws Divergence when the program made another call than the one that was
// recorded.
[[nodiscard]] bool take_stop(ReplayTask& task, const Event& next);

// The task stopped at the entry to a call, and none of rec's filter says which it may make: true if it is one
// of the agent's own, which is about to be made now.
[[nodiscard]] bool takes_call(const ReplayTask& task);

// A child: its slot is in its registers.
void adopt(ReplayTask& child, const Registers& registers);

}  // namespace replay_agent

}  // namespace rec

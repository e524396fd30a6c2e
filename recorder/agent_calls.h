// Which system calls the agent makes by itself, as the syscall table has it: those that have no effect on
// tasks, memory maps and signals, and whose memory the agent's few rules describe.
#pragma once

#include <span>

#include "recorder/options.h"
#include "tracee/agent/layout.h"

namespace rec {

// Fills the table in the agent's memory (agent::call_count calls, then the requests of multiplexers).
void fill_agent_calls(std::span<agent::Call> calls, const RecordOptions& options);

}  // namespace rec

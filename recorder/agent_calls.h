// Which system calls the agent makes by itself, as the syscall table has it: those that have no effect on
// tasks, memory maps and signals, and whose memory the agent's few rules describe.
#pragma once

#include "recorder/options.h"
#include "tracee/agent/layout.h"

namespace rec {

// Fills the table that every agent has in its memory.
void fill_agent_calls(agent::CallTable& table, const RecordOptions& options);

}  // namespace rec

// A processor breakpoint of a task (ptrace(2), PTRACE_POKEUSER of u_debugreg): a SIGTRAP in front of an
// instruction, without a change to the code.
#pragma once

#include <cstdint>

#include "tracee/stopped.h"

namespace rec {

// Precondition: the task is in a ptrace stop. False: this machine lets nobody set one.
[[nodiscard]] bool set_breakpoint(const Stopped& task, std::uint64_t address);
void clear_breakpoint(const Stopped& task);

// Besides it, a SIGTRAP behind any instruction that writes to the 8 bytes at `address` (which is a multiple
// of 8).
[[nodiscard]] bool watch_writes(const Stopped& task, std::uint64_t address);
void stop_watching(const Stopped& task);

// What brought the last such SIGTRAP.
struct DebugEvent {
  bool breakpoint = false;
  bool write = false;
};
[[nodiscard]] DebugEvent take_debug_event(const Stopped& task);

}  // namespace rec

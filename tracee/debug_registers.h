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

// Those that the program being recorded or replayed sets, for a task that it traces itself. (For rec the last
// two are used first: debuggers begin with the first.)
//
// Whether this place in `struct user` is a debug register.
[[nodiscard]] bool is_debug_register(std::uint64_t place);
// As PTRACE_POKEUSER; the same precondition. False: this machine, or the kernel, does not let it be.
[[nodiscard]] bool write_debug_register(const Stopped& task, std::uint64_t place, std::uint64_t value);

}  // namespace rec

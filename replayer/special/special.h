// The calls that a table cannot express; each file here has its counterpart of the same name in
// recorder/special.
#pragma once

#include <span>

#include "format/syscalls/table.h"
#include "replayer/replayer.h"

namespace rec::special {

// A call that succeeded and whose policy is Replay::special. `registers` are those that the task will go on
// with.
void replay(ReplayTask& task, const Event& event, syscalls::Special special, Registers* registers);

// The call by which the recorded one's effect on the address space, or on a segment base, comes about again;
// nullopt: it had none. To be asked once per event, in their order. Not for what an event's mappings say.
[[nodiscard]] std::optional<agent::RemadeCall> remade_call(AddressSpace& space, const Event& event);
// Makes it. A divergence when it ends otherwise.
void make_again(const ReplayTask& task, const Event& event, const agent::RemadeCall& call);

// clone.cc: a task made by another one.
void replay_start(Replayer& replayer, const Event& event);

// execve.cc: a new address space, built from the trace alone, in a new process that takes the task's part.
void replay_exec(Replayer& replayer, ReplayTask& task, const Event& event);

// The stack may grow to `limit` bytes from now on (RLIMIT_STACK).
void limit_stack(const ReplayTask& task, std::uint64_t limit);

// ptrace.cc: a stop for a tracer in the program, and what the tracer's calls change in the traced task.
void replay_stop(Replayer& replayer, ReplayTask& task, const Event& event);
void replay_ptrace(Replayer& replayer, const Event& event);

// mapped_file.cc: writes what mappings of a file show after a call has changed it, also to those that are
// shared and cannot be written to. Precondition: that of RemoteCalls.
void write_to_mappings(const ReplayTask& task, const Event& event);

// aio.cc: the program's view of a ring of completions: its mapping is the event's.
void replay_aio_setup(AddressSpace& space, const Event& event);
[[nodiscard]] std::optional<agent::RemadeCall> remade_aio_destroy(AddressSpace& space, const Event& event);

// mmap.cc: puts recorded mappings in place, in their order.
void place_mappings(Replayer& replayer, const ReplayTask& task, std::span<const Mapping> mappings);

}  // namespace rec::special

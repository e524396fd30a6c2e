// The few calls that a table cannot express. The replayer has a file of the same name for each.
#pragma once

#include "recorder/session.h"

namespace rec::special {

// What a call's special handler changes or adds. Hooks for other calls do nothing.

// At entry, before the call is made: may set pending.answer, change the arguments that the kernel gets, or
// append the event at once for a call that does not return.
void on_entry(Session& session, Task& task);

// At exit, with the turn, before the outputs are captured. `extra` is part of the event if true is returned.
bool on_exit(Session& session, Task& task, const Registers& registers, std::int64_t result, Extra* extra);

// Puts the flags that `caller` passed to clone3(2) back, if the kernel was given others: into its memory, or
// its child's copy.
void show_clone_flags(const Task& caller, const RemoteMemory& memory);

// PTRACE_EVENT_FORK, VFORK, CLONE: `parent` is inside its call.
void on_created(Session& session, Task& parent, Tid child);

// `parent` is at its end. If it was killed inside a call that makes a process, the kernel did not stop it to
// tell of the child that is there already (kernel/fork.c: ptrace_event_pid does not stop who has a fatal
// signal).
void adopt_untold_children(Session& session, Task& parent);

// PTRACE_EVENT_EXEC: the new address space stands, the call has not returned yet.
void on_exec(Session& session, Task& task, Tid former_tid);
// The exit stop of a successful execve.
void finish_exec(Session& session, Task& task);

// The mapping that mmap, or shmat, made. `file`: what it is of; nullptr: no regular file.
void describe_mapping(Session& session, Task& task, std::int64_t result, const SeenFile* file, Extra* extra);
void describe_segment(Session& session, Task& task, std::int64_t result, Extra* extra);

// shared_file.cc: a call may have changed a file that is mapped shared; what the mapping shows now becomes
// part of the event. True if `extra` was filled in.
bool update_shared_file(Session& session, Task& task, std::int64_t result, Extra* extra);

}  // namespace rec::special

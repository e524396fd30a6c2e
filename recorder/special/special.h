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

// fork, vfork, clone, clone3.
[[nodiscard]] bool makes_tasks(const PendingCall& call);

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

// ptrace.cc: a request of the program's that is about tasks of the program is answered by rec.
void answer_ptrace(Session& session, Task& task);

// wait.cc: rec tells of tasks that the caller traces; the kernel knows of no others than its children.
void answer_wait(Session& session, Task& task);
// At the exit: what there is to tell meanwhile, or that the call is made again.
void finish_wait(Session& session, Task& task, Registers* registers);
// Whether the task is inside a wait call that `tid`, which it traces, would end.
[[nodiscard]] bool waits_for(const Task& task, Tid tid);

// foreign_memory.cc: a call that writes to the memory of a process of the program. At entry: whether it does,
// and whether it may.
void plan_foreign_write(Session& session, Task& task);
// Lets the kernel make it, now or later.
void make_foreign_write(Session& session, Task& task);
// At exit: the event that tells what it wrote.
void record_foreign_write(Session& session, const Task& task, std::int64_t result);

// The mapping that mmap, or shmat, made. `file`: what it is of; nullptr: no regular file.
void describe_mapping(Session& session, Task& task, std::int64_t result, const SeenFile* file, Extra* extra);
void describe_segment(Session& session, Task& task, std::int64_t result, Extra* extra);
// The same of a call that is over, in which rec took the task out of its agent: true if it mapped a file.
[[nodiscard]] bool describe_early_mapping(Session& session, Task& task, std::int64_t result, Extra* extra);
// The private mapping of a stored file that the agent made with the call `event`.
void describe_stored_mapping(Session& session, Task& task, const Event& event, const FileVersion& version,
                             Extra* extra);

// mapped_file.cc. At a call's entry: whether it changes a file that processes of other domains have mapped,
// and has to wait for its turn among them; it is made when the task has that.
[[nodiscard]] bool waits_for_mappers(Session& session, Task& task);
// At its exit: what the mappings show now becomes part of the call's event, for other processes of events of
// their own before that. True if `extra` was filled in.
bool update_mapped_file(Session& session, Task& task, std::int64_t result, Extra* extra);
// The same for an asynchronous write that has ended, with `size` bytes written.
void record_file_change(Session& session, Task& task, const AioRequest& request, std::uint64_t size,
                        Extra* extra);
// Where in the file the call is told to write; nullopt: at the file position.
[[nodiscard]] std::optional<std::uint64_t> offset_argument(const PendingCall& pending);
[[nodiscard]] std::optional<std::uint64_t> file_position(const Task& task, std::int32_t fd);

// aio.cc: asynchronous I/O. At the entry of io_submit: what it asks for.
void plan_submit(Session& session, Task& task);
// By which number the kernel knows the context that the call's first argument names; nullopt: there is none.
[[nodiscard]] std::optional<std::uint64_t> moved_aio_context(const Task& task);
// At the exit of a call that succeeded.
void finish_aio(Session& session, Task& task, std::int64_t result, Extra* extra);

}  // namespace rec::special

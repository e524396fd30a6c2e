// Tracing within the program: strace, or gdb and its inferior, under rec.
//
// A task has one tracer (ptrace(2)), and that is rec. To tasks of the program that trace others rec therefore
// is what the kernel would be: it answers their ptrace calls (special/ptrace.cc), and tells of the stops of
// those they trace through their wait calls (special/wait.cc) and by SIGCHLD. Where a traced task stops for
// its tracer, rec holds it in the stop that the kernel has it in, and the domains of the two are one from
// there on:
//
//   traced task   ── user code ──▶│ stop of the kernel's: event `traced`        │ event `begin` ── user code
//   ──▶ its tracer    ── wait4 ───────────────▶│ told ── ptrace(PEEK, POKE, CONT) ──▶│ ── wait4
//   ──────────────────▶
//
// Every stop is at a place that replay can find again: right behind an event, at a call's entry, at a fault,
// one stepped instruction further. Programs that are traced have no agent: their tracer shall find their own
// code.
#pragma once

#include "recorder/session.h"

namespace rec {

// Whether the task numbers others as rec does: what it calls a task can be looked up then.
[[nodiscard]] bool has_our_numbers(const Task& task);

// Whether another task of the program traces this one.
[[nodiscard]] bool stops_for_tracer(const Task& task);

// The task stops for its tracer, which is told. Precondition: it is traced, and in some stop of the kernel's.
void stop_for_tracer(Session& session, Task& task, TraceStop stop);
// The tracer lets it go on, with a signal or 0. Precondition: it is stopped for it.
void continue_traced(Session& session, Task& task, Tracing::Until until, int signal);
// It has its turn (or needs none): it goes on from the stop that it left.
void leave_trace_stop(Session& session, Task& task);

// How to resume it in user code, so that it stops where its tracer wants that: `otherwise` for a task that is
// not stepped. (Resume::syscall stops it at its next call's entry, whatever filters there are.)
[[nodiscard]] Resume resume_for_tracer(const Task& task, Resume otherwise);

// The places where a traced task may have to stop. True: it did, and nothing more is to be done.
[[nodiscard]] bool stop_at_entry(Session& session, Task& task);
// Behind a call, before user code.
[[nodiscard]] bool stop_after_call(Session& session, Task& task);
[[nodiscard]] bool stop_after_exec(Session& session, Task& task);
// At the exit of a call that made a child, which has given the memory back.
[[nodiscard]] bool stop_after_vfork(Session& session, Task& task);
// rec did an instruction's work, or entered a handler.
[[nodiscard]] bool stop_after_step(Session& session, Task& task);
[[nodiscard]] bool stop_stepped(Session& session, Task& task, const siginfo_t& info);
// In a signal-delivery stop of the kernel's.
[[nodiscard]] bool stop_for_signal(Session& session, Task& task, const siginfo_t& info, SignalPoint point);
[[nodiscard]] bool stop_with_group(Session& session, Task& task, int signal);
[[nodiscard]] bool stop_at_end(Session& session, Task& task);
// The group of a task that listens (PTRACE_LISTEN) goes on.
[[nodiscard]] bool stop_at_group_end(Session& session, Task& task);

// A task that `parent` has just made: traced, too, if its tracer wants that. Before its start event.
void trace_child(const Task& parent, Task& child, std::uint64_t clone_flags);
// After the start event: the child stops, or waits for its turn.
void place_child(Session& session, Task& child);
// Its parent stops, inside its call.
[[nodiscard]] bool stop_for_child(Session& session, Task& parent, Tid child, std::uint64_t clone_flags);

// `tracer` begins to trace `task`.
void begin_tracing(Session& session, Task& task, const Task& tracer, bool is_seized, std::uint64_t options);
// PTRACE_ATTACH, PTRACE_INTERRUPT: the task stops as soon as it is at a place where it can.
void ask_for_stop(Task& task, bool is_interrupt);
// Whether ask_for_stop made the signal for PTRACE_INTERRUPT.
[[nodiscard]] bool is_interrupt_request(const siginfo_t& info);

// The task is gone, by this wait status: its tracer is told, and those that it traced go on untraced.
void end_tracing(Session& session, Task& task, std::int32_t status);

// The tasks of the program that tasks of this process trace.
[[nodiscard]] std::vector<Task*> traced_by(Session& session, const Process& process);

}  // namespace rec

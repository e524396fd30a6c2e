// Replaying a trace: the one entry into this room.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>

#include "format/trace_reader.h"
#include "replayer/arena.h"
#include "replayer/program_output.h"
#include "replayer/task.h"
#include "replayer/watchdog.h"
#include "replayer/zygote.h"
#include "tracee/one_processor.h"
#include "tracee/remote_batch.h"
#include "tracee/time_stamp_trap.h"

namespace rec {

// Re-executes a trace, event by event, in tasks that make no system call of the program's: everything they
// were handed is written from the trace. Throws Divergence, or Error for a damaged trace or a failing
// environment.
class Replayer {
 public:
  Replayer(TraceReader& reader, ReplayOutput output);
  Replayer(const Replayer&) = delete;
  Replayer& operator=(const Replayer&) = delete;
  // Nothing that was replayed survives.
  ~Replayer();

  // Replays one event; false when there is none left.
  bool step();

  // Up to, not including, event `number`, or to the end.
  void run_until(EventNumber number);
  void run_to_end();

  [[nodiscard]] EventNumber next_event() const { return next_; }
  // Wait status of the program's first process, once its end was replayed.
  [[nodiscard]] std::optional<int> wait_status() const { return wait_status_; }

  // --- for the rooms below (calls.cc, signals.cc, special/) ---

  [[nodiscard]] ReplayTask& task(Tid tid, const Event& event);
  // nullptr: there is none.
  [[nodiscard]] ReplayTask* find(Tid tid);
  [[nodiscard]] Arena& arena() { return arena_; }
  ReplayTask& add_task(Tid tid, Tid real_tid);
  // A new process with nothing in it but rec's own pages.
  [[nodiscard]] Tid new_process() const { return zygote_.fork(); }
  // Ends the real task behind `task`.
  void kill(ReplayTask& task);
  void remove(Tid tid);
  // Runs the task through the calls that wait in its agent's ring, up to right behind the last one.
  void run_ring(ReplayTask& task, const Event& why);
  // Runs the task's segment, if it has not been run yet.
  void advance(ReplayTask& task, const Event& why);
  // Lets the stopped task run to its next stop of any kind, or for one instruction: SyscallStop is a call
  // that it is about to make; it is not made, as set_registers() comes before the task goes on. A divergence
  // when it has taken too long since `started_ns` (CLOCK_MONOTONIC).
  [[nodiscard]] WaitStatus run(ReplayTask& task, const Event& why, std::uint64_t started_ns,
                               bool one_step = false);
  // The task goes on from these registers at its next segment.
  void set_registers(ReplayTask& task, Registers registers);
  // Gives the task the recorded FP and SIMD state, as far as this processor has the same parts.
  void set_xstate(const ReplayTask& task, const std::vector<std::byte>& recorded) const;
  // How many bytes mean the same in a recorded XSAVE area and in one of this machine.
  [[nodiscard]] std::size_t comparable_xstate(const std::vector<std::byte>& recorded,
                                              const std::vector<std::byte>& here) const;
  // An exec: the task is alone in its domain, and has its turn there.
  void change_domain(ReplayTask& task, DomainId domain);
  void write_outputs(const ReplayTask& task, const Event& event);
  // Makes calls in the stopped task, with a single stop if the filter over it is rec's. Throws Error that
  // names `what` when one fails.
  void must_make(const char* what, const ReplayTask& task, RemoteBatch& batch) const;
  // `event` is a call that the task is making now.
  void show_output(const Event& event);

 private:
  const Event* read_event();
  [[noreturn]] void fail_for(const TaskGone& gone) const;
  void replay(const Event& event);
  void replay_by_agent(const Event& event);
  void run_to_stop(ReplayTask& task, const Event& why);
  void show_made();
  void catch_up_with_output();
  static void remember(ReplayTask& task, const Event& event);
  void close_open_segment(ReplayTask& task, const Event& event);
  void leave_point(ReplayTask& task);
  [[nodiscard]] static bool runs_to_stop(const Event& event);
  void on_start(const Event& event);
  void on_exit(const Event& event);
  void on_merge(const Event& event);
  void write_to_other(const ReplayTask& task, const Event& event);
  [[nodiscard]] DomainId current(DomainId domain) const;

  Watchdog watchdog_;
  OneProcessor together_;
  TimeStampTrap as_the_tracees_;
  TraceReader& reader_;
  ProgramOutput output_;
  // Whose calls have output that waits to be shown: those of one task only, so that it comes in the order of
  // the trace. nullptr: none has.
  ReplayTask* shows_ = nullptr;
  Arena arena_;
  Zygote zygote_;
  std::map<Tid, std::unique_ptr<ReplayTask>> tasks_;
  std::map<DomainId, Tid> open_;         // which task of a domain ran last
  std::map<DomainId, DomainId> merged_;  // what became of a domain
  ReplayTask* last_by_agent_ = nullptr;  // whose call of its agent the last event was
  EventNumber next_{0};
  Pid first_pid_{};
  std::optional<int> wait_status_;
};

// --- calls.cc ---
void replay_call(Replayer& replayer, ReplayTask& task, const Event& event);
// Stops with a divergence unless the task stands at the call that was recorded, with the same arguments and
// inputs.
void check_call(const ReplayTask& task, const Event& event);

// --- points.cc ---
// Runs the task to the state that the point event recorded, and leaves it stopped there. Where that state
// does not come before the task's next event: a divergence that names the point and what came nearest to it.
void replay_point(Replayer& replayer, ReplayTask& task, const Event& event);

// --- signals.cc ---
void replay_signal(Replayer& replayer, ReplayTask& task, const Event& event);
void replay_trap(Replayer& replayer, ReplayTask& task, const Event& event);

}  // namespace rec

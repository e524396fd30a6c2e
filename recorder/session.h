// One recording: the event loops over all tasks of the program, the turns they take, and what is written of
// them.
//
// A task is resumed in one of two ways: `cont` into user code, where the seccomp filter stops it at its next
// system call, and `syscall` from there to the call's exit. Everything that a task is handed becomes an event
// right before it goes on (format/event.h), so the order of events is the order in which user code ran.
#pragma once

#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "format/trace_writer.h"
#include "recorder/agent.h"
#include "recorder/chaos.h"
#include "recorder/content_store.h"
#include "recorder/echo.h"
#include "recorder/kept_data.h"
#include "recorder/options.h"
#include "recorder/task.h"
#include "recorder/tracer_thread.h"
#include "tracee/cpuid_answers.h"
#include "tracee/instruction_finder.h"
#include "tracee/remote_batch.h"
#include "tracee/tracer.h"
#include "tracee/wait_status.h"

namespace rec {

class Session {
 public:
  Session(const RecordOptions& options, TraceWriter& writer);

  // Takes the program over at the stop that launch() left it in, and returns when its last task is gone: the
  // wait status of its first process. Throws Error when the program could not be executed, or cannot be
  // recorded.
  int run(Launched launched);

  // --- for the rooms below (capture, signals, special/) ---

  [[nodiscard]] std::uint64_t now_ns() const;
  TraceWriter& writer() { return writer_; }
  ContentStore& contents() { return contents_; }
  EchoDescriptors& echo() { return echo_; }
  // Of the thread that traces the task.
  [[nodiscard]] Pinning& pinning(const Task& task);
  // The program takes its affinity in its own hands.
  void give_up_pinning();
  // What a program is answered to cpuid.
  [[nodiscard]] const CpuidAnswers& cpuid_answers() const { return cpuid_answers_; }
  InstructionFinder& instructions() { return instructions_; }
  Agents& agents() { return agents_; }
  // CLOCK_MONOTONIC when the recording began.
  [[nodiscard]] std::uint64_t start_ns() const { return start_ns_; }
  [[nodiscard]] std::vector<Tid> all_tids() const;
  [[nodiscard]] const RecordOptions& options() const { return options_; }
  [[nodiscard]] Pid first_pid() const { return Pid(first_tid_.value()); }

  // Appends an event of `task` with `leave_ns` = now.
  void append(Event event);
  // The same of one that has its times already.
  void put(Event event, const std::shared_ptr<const void>& keeper = nullptr);
  // The next `count` events are made by `source`, as the trace writer has it (trace_writer.h). Precondition:
  // takes_late_events(), i.e. nothing has to be cut off them.
  void put_late(std::uint32_t count, std::size_t size, std::unique_ptr<EventSource> source);
  [[nodiscard]] bool takes_late_events() const { return kept_data_.is_whole(); }
  // A remark for the trace, once per `key`; for the user of `rec record`, too, unless only readers of the
  // trace may want it.
  enum class Audience { everyone, readers };
  void note(const Task& task, const std::string& key, const std::string& text,
            Audience audience = Audience::everyone);

  // The same for what keeps the recording from being replayed beyond here.
  void note_not_replayable(const Task& task, const std::string& key, const std::string& text,
                           Audience audience = Audience::everyone);

  // The trace has ended before the program (disk full, a limit): from here on the program only runs. It
  // cannot be let go, since without a tracer its calls would fail (seccomp(2), SECCOMP_RET_TRACE).
  [[nodiscard]] bool is_over() const { return is_over_; }

  // The call event of `task`, as it stands in task.call, with what its special handler adds.
  void append_call(Task& task, std::int64_t result, const Extra* extra, EventKind kind = EventKind::call);

  // Sends the task on into user code with these registers as they are now.
  void resume_user(Task& task, int signal = 0);
  // The same, where the task was stopped in the midst of user code and nothing came of it.
  void go_on(Task& task);
  void resume_call(Task& task);

  // A seccomp filter was there before the program, and rec's own shows itself by SIGSYS (recorder/filter.h).
  // It cannot tell which calls rec has seen already, so those are made to look as rec's own.
  [[nodiscard]] bool traps_calls() const { return traps_calls_; }
  static void hide_call_site(Task& task);
  static void restore_call_site(Task& task);
  // Deals with a stop that wait_stop() gave, or that came while something else was waited for.
  void dispatch(const WaitResult& result);

  // All tasks of the process (threads), any one of them first.
  [[nodiscard]] std::vector<Task*> tasks_of(const Process& process);
  [[nodiscard]] Task* find(Tid tid);

  // Makes one domain of two; the trace says when.
  void merge_domains(Task& task, const std::shared_ptr<Domain>& other);
  // The other way round, for a task at the entry of a call that it may make when nobody in the other domain
  // runs: it becomes part of that, and waits for its turn. Precondition: it has the turn in its own.
  void join_domain(Task& task, const std::shared_ptr<Domain>& other);
  void wait_at_entry(Task& task);

  // Files that processes have mapped, be it shared or private: who changes one changes what they see.
  void file_is_mapped(Process& process, const FileIdentity& file);
  // By any process, at some time.
  [[nodiscard]] bool was_mapped(const FileIdentity& file) const { return ever_mapped_.contains(file); }
  [[nodiscard]] std::size_t mapped_file_count() const { return ever_mapped_.size(); }
  // A task of each address space that may still have it mapped.
  [[nodiscard]] std::vector<Task*> mappers_of(const FileIdentity& file);

  // The memory object (a file, a segment) is mapped shared by the task's process. If any process can write to
  // it, the domains of all that have it become one. (Every libc maps one file shared that nobody writes to.)
  void share_object(Task& task, std::uint64_t object, bool writable);
  // A child made by fork has all that its parent shared.
  void inherit_shares(const Process& parent, const Process& child);
  // Whether a child made by fork will share memory that can be written.
  // Chaos: whether a task that is on its way to lose its turn does so at this place, which may be one of a
  // race.
  [[nodiscard]] bool chaos_takes_place() { return chaos_ && chaos_->takes_place(); }
  [[nodiscard]] bool shares_with_children(const Process& process) const;
  // The process has a new address space.
  void leave_shared_memory(Process& process);
  // After an exec by the thread `former`: it has the leader's number now, and the old leader is no more.
  // Returns it.
  Task& rename_executing_task(Tid former, Task& leader);
  std::shared_ptr<Domain> new_domain();
  void move_to_domain(Process& process, std::shared_ptr<Domain> domain);
  void release_turn(Task& task);
  // Its turn goes to others; it stands behind an event that opens no segment.
  void preempt(Task& task);

  // The task is about to leave its turn to others while it is inside a call: what the kernel has written
  // already (the word of a priority-inheritance futex that it waits for) belongs before what they do.
  void leave_in_call(Task& task);

  // Writes to rec's standard output and error are made one at a time, so that their order in the trace is the
  // order in which they appeared. False: it has to wait; it is resumed into its call when it may.
  bool acquire_output(Task& task);
  void release_output(const Task& task);
  // Whether the task, which goes on into user code, may make such writes without a stop: only those of one
  // domain may, one that has made the last ones, and while nobody makes one with a stop. Who else wants to,
  // takes it back.
  [[nodiscard]] bool may_show(const Task& task) const;

  Task& add_task(Tid tid, std::shared_ptr<Process> process);
  void queue_for_turn(Task& task);

  // Whether any task of the program has ever traced another.
  [[nodiscard]] bool is_tracing_used() const { return is_tracing_used_; }
  void uses_tracing() { is_tracing_used_ = true; }
  // From a call's entry stop, with the turn: the call is made, with the arguments that are in the registers.
  void enter_call(Task& task);
  // From a call's entry, begun: it is made as soon as the task has its turn and no other of its domain runs
  // user code (as one does that had the turn of a domain that has just become part of this one).
  void make_call_alone(Task& task);
  // From PTRACE_EVENT_EXIT.
  void let_end(Task& task);

  // Where rec's own memory lies in the process's address space, besides the agent area.
  [[nodiscard]] std::vector<MemoryRange> own_ranges(const Process& process) const;

  // Number by which the trace knows a shared memory object.
  [[nodiscard]] std::uint64_t shared_object(std::uint64_t device, std::uint64_t inode);
  [[nodiscard]] std::uint64_t new_shared_object() { return next_shared_object_++; }
  // Whether a process has it mapped, shared and so that it can write to it.
  [[nodiscard]] bool is_shared_writably(std::uint64_t object) const {
    const auto sharing = sharing_.find(object);
    return sharing != sharing_.end() && sharing->second.writable;
  }
  // The number of a file that is mapped shared somewhere; 0 when it is not.
  [[nodiscard]] std::uint64_t find_shared_object(std::uint64_t device, std::uint64_t inode) const;
  // Whether a mapping of the object stands besides the one in this range, which `task` has just made.
  [[nodiscard]] bool is_mapped_elsewhere(const Task& task, std::uint64_t object, MemoryRange made) const;
  // The file's next mapping is one of an object of its own.
  void forget_shared_object(std::uint64_t device, std::uint64_t inode) {
    shared_objects_.erase({device, inode});
  }
  // What the file held when it was mapped last; a reference to be kept up to date.
  [[nodiscard]] std::optional<ContentId>& shared_content(std::uint64_t object) {
    return shared_contents_[object];
  }
  // Size in bytes that the trace knows of a shared file; a reference to be kept up to date.
  [[nodiscard]] std::uint64_t& shared_file_size(std::uint64_t object) { return shared_file_sizes_[object]; }

  // Waits for this task only, in the middle of a manipulation. Throws TaskGone with what was seen when it
  // dies.
  WaitStatus wait_stop(Tid tid);
  // Makes calls in the task, with a single stop if the filters over it allow that. Precondition: that of
  // RemoteBatch::run().
  void make_calls(const Task& task, RemoteBatch& batch) const;
  [[nodiscard]] bool makes_calls_at_once(const Task& task) const {
    return !traps_calls_ && !task.process->stops_at_entry;
  }
  // The first stop of a new task; it may have been reported before its parent's event.
  void take_first_stop(Tid tid);
  // A new task is traced by whoever traces the one that made it.
  void trace_with(Tid child, const Task& parent);
  // It is gone before it was known.
  void forget_tracer(Tid child) { tracers_.forget(child); }

 private:
  void take_over(Launched launched);
  bool trace_next();
  void trace_also(Tracer& tracer);
  void deal_with(const WaitResult& result);
  void look_at_rings();
  [[nodiscard]] TracerThread& here();
  [[nodiscard]] std::vector<Tid> tids_of(const Tracer& tracer) const;
  [[nodiscard]] bool can_move(const Task& task, const __ptrace_syscall_info& stop) const;
  [[nodiscard]] std::uint32_t load_of(const Tracer& tracer, std::uint64_t now) const;
  [[nodiscard]] Tracer* less_loaded(const Domain& domain, std::uint64_t now);
  [[nodiscard]] Tracer* choose_tracer(Domain& domain);
  [[nodiscard]] Tracer* start_tracer();
  // True: it is let go, and its new tracer has it at this stop again.
  bool moves_to_other_tracer(Task& task, const __ptrace_syscall_info& stop);
  void gather_stops();
  [[nodiscard]] bool timer_is_overdue() const;
  void on_unknown(const WaitResult& result);
  void on_event(Task& task, int event);
  void on_entry_stop(Task& task);
  [[nodiscard]] bool is_trapped_call(const Task& task, const WaitStatus& status) const;
  void on_trapped_call(Task& task);
  void on_interrupt_stop(Task& task);
  void on_group_stop(Task& task, int signal);
  void on_exit_event(Task& task);
  void on_gone(Tid tid, const WaitStatus& status);
  [[nodiscard]] std::optional<std::uint32_t> word_after_exit(const Task& task, const WordAtExit& word) const;
  void record_exit(Task& task, std::int64_t raw_status);
  void finish_leader_exit(Task& task);
  void give_turn(Domain& domain);
  void hand_over(Task& task);
  void begin_user(Task& task);
  void leave_agent(Task& task);
  void wait_for_agent(Task& task, bool (*is_there)(const Task&));
  void take_back_output(const Task& task);
  [[nodiscard]] bool runs_alone(const Task& task) const;
  void look_at_held_calls();
  static void hurry(Task& holder);
  void after_entry(Task& task);
  void update_pinning();
  void place_writer();
  [[nodiscard]] bool domains_run_in_parallel(const Tracer& tracer) const;
  std::unique_ptr<Task> forget_task(Task& task);
  [[nodiscard]] bool finished_turn(const Task& task);
  void on_timer();
  void look_after(Task& task);
  void run_user(Task& task, int signal, std::uint32_t instructions);
  [[nodiscard]] bool look_after_agent(Task& task);
  void on_interrupted(Task& task);
  void leave_point_taken(Task& task, bool spins);
  [[nodiscard]] bool learns_what_changes(Task& task);
  void run_some_instructions(Tid tid, std::uint32_t instructions);
  [[nodiscard]] bool turn_is_over(const Task& task) const;
  [[nodiscard]] std::uint64_t slice_of(const Task& task) const;
  [[nodiscard]] bool needs_timer() const;
  void update_timer();
  void set_timer(std::uint64_t period_ns);
  void end_recording();
  void note_cut(Tid tid);
  void put_note(const Task& task, const std::string& key, const std::string& text, std::uint16_t flags,
                Audience audience);

  const RecordOptions& options_;
  TraceWriter& writer_;
  ContentStore contents_;
  KeptData kept_data_;
  bool is_over_ = false;
  bool traps_calls_ = false;
  bool is_tracing_used_ = false;
  EchoDescriptors echo_;
  Tracers tracers_;
  std::deque<TracerThread> threads_;  // of tracers_, by their numbers
  std::size_t most_tracers_ = 1;
  std::exception_ptr failure_;  // in another thread than the first
  const CpuidAnswers cpuid_answers_;
  InstructionFinder instructions_;
  Agents agents_;
  std::optional<Chaos> chaos_;
  std::uint64_t start_ns_;
  std::unordered_map<Tid, std::unique_ptr<Task>> tasks_;
  std::vector<std::weak_ptr<Domain>> domains_;  // some may be gone
  std::uint32_t next_domain_ = 1;
  std::uint64_t next_shared_object_ = 1;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> shared_objects_;
  std::map<std::uint64_t, std::uint64_t> shared_file_sizes_;
  std::map<std::uint64_t, std::optional<ContentId>> shared_contents_;
  std::set<FileIdentity> ever_mapped_;
  // Which processes have a shared object mapped.
  struct Sharing {
    std::set<Pid> processes;
    bool writable = false;  // by one of them
  };
  std::map<std::uint64_t, Sharing> sharing_;
  std::set<Tid> early_stops_;  // first stops of tasks whose parent has not told of them yet
  std::set<std::string> noted_;
  std::vector<Task*> held_calls_;  // those that have their turn
  Task* output_holder_ = nullptr;
  DomainId last_output_{};      // the domain of the last one who made such a write with a stop, …
  int outputs_in_row_ = 0;      // … and how many there were of it since another had one
  DomainId output_by_agent_{};  // may_show()
  std::deque<Task*> output_waiting_;
  Tid first_tid_{};
  int first_status_ = 0;
  std::uint32_t task_count_ = 0;
  std::uint64_t timer_period_ns_ = 0;   // 0: off
  std::uint64_t last_timer_ns_ = 0;     // when what the timer is for was done
  std::uint64_t last_spinning_ns_ = 0;  // when a task was last seen to spin
  bool is_busy_ = false;  // agents write so much that rec looks at their rings rather than wait for a stop
  int looks_in_vain_ = 0;

 public:
  [[nodiscard]] std::uint32_t task_count() const { return task_count_; }
  // Threads that traced the program, all at its end.
  [[nodiscard]] std::uint32_t tracer_count() const {
    return static_cast<std::uint32_t>(tracers_.all().size());
  }
};

// --- capture.cc: system calls ---

// At a seccomp stop: decides what becomes of the call and records its inputs.
void begin_call(Session& session, Task& task, std::int64_t nr, const std::array<std::uint64_t, 6>& args);
// Makes the call that was begun, as soon as that may be: outputs to rec's own descriptors are made one at a
// time, and a file that others have mapped is changed while they do not run.
void make_call(Session& session, Task& task);
// At the call's exit, with the turn: captures outputs, appends the event, resumes.
// `ends_turn`: it does not go on before it has its turn again.
void finish_call(Session& session, Task& task, bool ends_turn = false);

// A call that the agent made has just ended, by itself or interrupted, and rec takes it from there: appends
// its event, with these flags. `registers` are those right behind the call, as the program has them, with its
// result; `inputs` what it passed.
void record_call_left_early(Session& session, Task& task, const Registers& registers, std::uint16_t flags,
                            std::span<const Data> inputs);

// Gives the task memory for Redirect, if its domain has other tasks and it has none yet. Precondition: a stop
// that is not a call's entry.
void provide_scratch(Task& task);

// --- signals.cc ---

// The signal that the tracer in the program wants delivered, where the task stopped for one: `info` is what
// it stopped for, as the tracer left it.
void deliver_chosen_signal(Session& session, Task& task, siginfo_t info, int signal);
void on_signal_stop(Session& session, Task& task, int signal);
// At a call entry: true if a held signal has to come first; the call was called off then.
bool deliver_held_signal_first(const Session& session, Task& task);
// Before the task goes to user code: what tells at its next stop that it has not run an instruction since,
// the resume flag, which the processor clears behind each (Intel SDM, volume 3, 19.3.1.1).
void mark_boundary(const Task& task);
// Whether no instruction of the program's has run since its last event. Equal registers alone do not tell: a
// loop may come by with the same ones again.
[[nodiscard]] bool stands_where_left(const Task& task);
// Delivers a held signal where the task stands: at the exit stop of a call that was called off, or at a
// point.
void send_held_signal(Session& session, Task& task);
// Whether one of the held signals is not blocked now.
[[nodiscard]] bool has_deliverable_signal(const Task& task);
// At a signal stop: keeps the signal for later, unless it is of a kind that must be dealt with here.
[[nodiscard]] bool hold_signal(Task& task, int signal);

}  // namespace rec

#include "recorder/session.h"

#include <linux/audit.h>
#include <sched.h>
#include <sys/ptrace.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "format/base/clock.h"
#include "format/base/error.h"
#include "recorder/special/special.h"
#include "recorder/tracing.h"
#include "tracee/trapped_instruction.h"

namespace rec {

namespace {

CpuidResult answer_cpuid(CpuBaseline baseline, std::uint32_t leaf, std::uint32_t subleaf) {
  Registers registers{};
  registers.rax = leaf;
  registers.rcx = subleaf;
  const TrapArguments got = execute_trapped({.kind = TrapKind::cpuid, .length = 2}, registers, baseline);
  CpuidResult result{};
  for (std::size_t i = 0; i < result.size(); ++i) result.at(i) = static_cast<std::uint32_t>(got.at(i));
  return result;
}

}  // namespace

Session::Session(const RecordOptions& options, TraceWriter& writer)
    : options_(options),
      writer_(writer),
      contents_(writer, !options.without_content),
      kept_data_(options),
      cpuid_answers_(make_cpuid_answers([&](std::uint32_t leaf, std::uint32_t subleaf) {
        return answer_cpuid(options.cpu_baseline, leaf, subleaf);
      })),
      agents_(*this),
      start_ns_(monotonic_ns()) {
  if (options.chaos_seed) chaos_.emplace(*options.chaos_seed);
  // A machine with more processors than cpu_set_t counts (1024) is left alone.
  cpu_set_t processors;
  CPU_ZERO(&processors);
  (void)::sched_getaffinity(0, sizeof processors, &processors);
  threads_.emplace_back(processors);
  most_tracers_ = options.tracers;
  if (most_tracers_ == 0) most_tracers_ = static_cast<std::size_t>(std::max(1, CPU_COUNT(&processors)));
}

std::uint64_t Session::now_ns() const { return monotonic_ns() - start_ns_; }

int Session::run(Launched launched) {
  {
    const Tracers::StopAtEnd others(tracers_);
    const Tracers::Inside inside(tracers_);
    take_over(std::move(launched));
    while (trace_next()) {
    }
  }
  set_timer(0);
  return first_status_;
}

void Session::take_over(Launched launched) {
  const Stopped first = std::move(launched.task);
  first_tid_ = first.tid();
  traps_calls_ = options_.under_filter && launched.filtered;
  auto process = std::make_shared<Process>();
  process->pid = Pid(first_tid_.value());
  process->stops_at_entry = options_.under_filter && !traps_calls_;
  for (const int signal : options_.signals.ignored)
    process->actions.at(static_cast<std::size_t>(signal)).handler = 1;
  move_to_domain(*process, new_domain());
  Task& task = add_task(first_tid_, process);
  task.position = Task::Position::user;
  task.domain().turn = &task;
  const Registers registers = first.registers();
  Extra extra;
  extra.pid = process->pid;
  extra.domain = task.domain().id;
  extra.after = registers;
  append({.tid = first_tid_, .kind = EventKind::start, .extra = &extra});
  if (options_.without_content)
    note_not_replayable(task, "no content",
                        "it was recorded with --no-content, without the files that the program mapped and "
                        "read: it can be looked at (rec dump, stat, coverage), but not replayed",
                        Audience::readers);
  begin_call(*this, task, static_cast<std::int64_t>(registers.orig_rax), registers.arguments());
}

std::vector<Tid> Session::all_tids() const {
  std::vector<Tid> tids;
  for (const auto& [tid, task] : tasks_) tids.push_back(tid);
  return tids;
}

void Session::dispatch(const WaitResult& result) {
  const std::uint64_t before = agents_.records();
  agents_.drain(is_end(result.status) ? std::nullopt : std::optional(result.tid));
  constexpr std::uint64_t many = 64;
  if (agents_.records() - before > many) {
    is_busy_ = true;
    looks_in_vain_ = 0;
  }
  if (is_end(result.status)) {
    on_gone(result.tid, result.status);
    return;
  }
  Task* task = find(result.tid);
  if (task == nullptr) {
    on_unknown(result);
    return;
  }
  here().pinning.look_at_counter(task->counter_traps);
  if (const auto* event = std::get_if<PtraceEvent>(&result.status)) {
    on_event(*task, event->event);
  } else if (std::holds_alternative<SyscallStop>(result.status)) {
    restore_call_site(*task);
    if (task->position == Task::Position::user) {
      on_entry_stop(*task);
    } else if (task->aborting_for_signal) {
      send_held_signal(*this, *task);
    } else if (stop_after_vfork(*this, *task)) {
      return;
    } else if (task->domain().turn == task) {
      // What the kernel wrote is there for all to see: it belongs to an event before others run.
      finish_call(*this, *task, !task->domain().waiting.empty() && finished_turn(*task));
    } else {
      task->position = Task::Position::after_call;
      queue_for_turn(*task);
    }
  } else if (is_trapped_call(*task, result.status)) {
    on_trapped_call(*task);
  } else if (const auto* stop = std::get_if<SignalStop>(&result.status)) {
    on_signal_stop(*this, *task, stop->signal);
  } else {
    on_group_stop(*task, std::get<GroupStop>(result.status).signal);
  }
}

// A new task of which its parent has not told yet.
void Session::on_unknown(const WaitResult& result) {
  const auto* event = std::get_if<PtraceEvent>(&result.status);
  if (event == nullptr || event->event != PTRACE_EVENT_EXIT) {
    early_stops_.insert(result.tid);
    return;
  }
  // Killed before it ran, perhaps with its parent, which then never does.
  early_stops_.erase(result.tid);
  (void)Stopped(result.tid).resume(Resume::cont);
}

void Session::on_event(Task& task, int event) {
  switch (event) {
    case PTRACE_EVENT_SECCOMP:
      if (task.position == Task::Position::call) {
        resume_call(task);  // its entry stop is behind it
        return;
      }
      on_entry_stop(task);
      return;
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
    case PTRACE_EVENT_CLONE:
      special::on_created(*this, task, Tid(static_cast<std::int32_t>(Stopped(task.tid).event_message())));
      return;
    case PTRACE_EVENT_EXEC:
      special::on_exec(*this, task, Tid(static_cast<std::int32_t>(Stopped(task.tid).event_message())));
      return;
    case PTRACE_EVENT_EXIT:
      on_exit_event(task);
      return;
    case PTRACE_EVENT_STOP:
      on_interrupt_stop(task);
      return;
    default:
      resume_user(task);
  }
}

void Session::on_entry_stop(Task& task) {
  const auto info = Stopped(task.tid).call_info();
  if (agents_.left_vdso(task, info.instruction_pointer)) {
    resume_user(task);
    return;
  }
  if (moves_to_other_tracer(task, info)) return;
  if (!task.held.empty() && deliver_held_signal_first(*this, task)) return;
  if (stop_at_entry(*this, task)) return;
  const bool may_go_back = !traps_calls_ && task.domain().waiting.empty();
  if (may_go_back && agents_.goes_back_in(task, info.instruction_pointer)) {
    go_on(task);
    return;
  }
  // Entry and seccomp information begin alike (linux/ptrace.h).
  if (info.arch == AUDIT_ARCH_X86_64) {
    begin_call(*this, task, static_cast<std::int64_t>(info.entry.nr), std::to_array(info.entry.args));
  } else {
    begin_call(*this, task, number_of_32_bit(info.entry.nr),
               Stopped(task.tid).registers().arguments_of_32_bit());
  }
  after_entry(task);
}

void Session::enter_call(Task& task) {
  const Stopped stopped(task.tid);
  const Registers registers = stopped.registers();
  // The kernel takes the number for an int (arch/x86/include/asm/syscall.h, syscall_get_nr).
  const auto number = static_cast<std::int32_t>(registers.orig_rax);
  if (stopped.syscall_info().arch == AUDIT_ARCH_X86_64 || number < 0) {
    begin_call(*this, task, number, registers.arguments());
  } else {
    begin_call(*this, task, number_of_32_bit(registers.orig_rax), registers.arguments_of_32_bit());
  }
  after_entry(task);
}

// A call that is likely to return soon keeps the turn; while one blocks, another task of the domain goes on.
void Session::after_entry(Task& task) {
  Domain& domain = task.domain();
  if (task.position != Task::Position::call || domain.waiting.empty()) return;
  if (!task.call.blocks) return;  // should it block after all, the timer will see to it
  // Most calls that may block do not: give it as long as changing over would cost.
  for (int looks = 0; looks < 20; ++looks) {
    ::sched_yield();
    if (const auto result = wait_for(task.tid, WaitMode::poll)) {
      dispatch(*result);
      return;
    }
  }
  release_turn(task);
}

void Session::append(Event event) {
  event.leave_ns = now_ns();
  if (event.enter_ns == 0) event.enter_ns = event.leave_ns;
  put(event);
}

void Session::put(Event event, const std::shared_ptr<const void>& keeper) {
  if (!kept_data_.is_whole() && !event.data.empty()) {
    bool lost = false;
    event.data = kept_data_.cut(event, &lost);
    if (lost) note_cut(event.tid);
  }
  writer_.append(event, keeper);
  if (!is_over_ && writer_.has_ended_early()) end_recording();
}

void Session::put_late(std::uint32_t count, std::size_t size, std::unique_ptr<EventSource> source) {
  writer_.append_late(count, size, std::move(source));
  if (!is_over_ && writer_.has_ended_early()) end_recording();
}

void Session::note_cut(Tid tid) {
  const Task* task = find(tid);
  if (task == nullptr) return;
  note_not_replayable(*task, "cut",
                      fmt::format("a call of task {} moved more memory than --max-event-bytes keeps ({} "
                                  "bytes): the recording can be replayed only up to there",
                                  tid, options_.max_event_bytes));
}

void Session::end_recording() {
  is_over_ = true;
  if (!options_.quiet)
    (void)std::fprintf(stderr, "rec: %s: the recording ends here, the program goes on\n",
                       writer_.why_ended_early()->c_str());
}

void Session::note(const Task& task, const std::string& key, const std::string& text, Audience audience) {
  put_note(task, key, text, 0, audience);
}

void Session::note_not_replayable(const Task& task, const std::string& key, const std::string& text,
                                  Audience audience) {
  put_note(task, key, text, event_not_replayable, audience);
}

void Session::put_note(const Task& task, const std::string& key, const std::string& text, std::uint16_t flags,
                       Audience audience) {
  if (is_over_ || !noted_.insert(key).second) return;
  const Extra extra{.text = text};
  append({.tid = task.tid, .kind = EventKind::note, .flags = flags, .extra = &extra});
  if (!options_.quiet && audience == Audience::everyone)
    (void)std::fprintf(stderr, "rec: %s\n", text.c_str());
}

void Session::append_call(Task& task, std::int64_t result, const Extra* extra, EventKind kind) {
  PendingCall& pending = task.call;
  append({.tid = task.tid,
          .kind = kind,
          .flags = pending.flags,
          .nr = static_cast<std::int32_t>(pending.call.nr),
          .args = pending.call.args,
          .result = result,
          .enter_ns = pending.enter_ns,
          .data = pending.data.data(),
          .extra = extra});
}

void Session::resume_user(Task& task, int signal) {
  if (signal == 0) mark_boundary(task);
  const bool has_others = task.process->tasks > 1 || task.domain().processes > 1;
  std::uint32_t instructions = 0;
  // (One that is traced has a tracer who may count its instructions.)
  const bool may_be_interrupted = signal == 0 && task.domain().turn == &task && has_others && !task.traced;
  if (chaos_ && may_be_interrupted) {
    instructions = chaos_->instructions(task, task.domain().waiting, now_ns());
  }
  task.left_ns = now_ns();
  run_user(task, signal, instructions);
}

void Session::go_on(Task& task) { run_user(task, 0, 0); }

void Session::run_user(Task& task, int signal, std::uint32_t instructions) {
  task.position = Task::Position::user;
  agents_.set_wishes(task);
  task.instructions_left = instructions;
  // Any other stop has cancelled an earlier wish; asked for while the task is stopped, the interruption comes
  // before its first instruction.
  task.interrupting = instructions != 0;
  if (task.interrupting) Running(task.tid).interrupt();
  const bool has_agent = task.slot != 0 && !task.process->agent->is_off;
  const bool at_entry = task.process->stops_at_entry || (traps_calls_ && !has_agent);
  (void)Stopped(task.tid).resume(resume_for_tracer(task, at_entry ? Resume::syscall : Resume::cont), signal);
}

void Session::resume_call(Task& task) {
  task.position = Task::Position::call;
  if (traps_calls_) hide_call_site(task);
  (void)Stopped(task.tid).resume(Resume::syscall);
}

Task* Session::find(Tid tid) {
  const auto at = tasks_.find(tid);
  return at == tasks_.end() ? nullptr : at->second.get();
}

std::vector<Task*> Session::tasks_of(const Process& process) {
  std::vector<Task*> found;
  for (const auto& [tid, task] : tasks_) {
    if (task->process.get() == &process) found.push_back(task.get());
  }
  return found;
}

Task& Session::add_task(Tid tid, std::shared_ptr<Process> process) {
  ++task_count_;
  if (tracers_.owner(tid) == nullptr) tracers_.set_owner(tid, Tracers::here());
  here().pinning.adopt(tid);
  auto task = std::make_unique<Task>();
  task->tid = tid;
  task->process = std::move(process);
  ++task->process->tasks;
  return *(tasks_[tid] = std::move(task));
}

void Session::make_calls(const Task& task, RemoteBatch& batch) const {
  const Stopped stopped(task.tid);
  if (makes_calls_at_once(task)) {
    batch.run(stopped, task.memory());
  } else {
    batch.run_one_by_one(stopped);
  }
}

}  // namespace rec

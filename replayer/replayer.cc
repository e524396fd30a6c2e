#include "replayer/replayer.h"

#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "format/base/clock.h"
#include "format/base/error.h"
#include "replayer/agent.h"
#include "replayer/check_event.h"
#include "replayer/divergence.h"
#include "replayer/processor.h"
#include "replayer/special/special.h"
#include "tracee/page_cache.h"
#include "tracee/remote_call.h"
#include "tracee/this_processor.h"
#include "tracee/wait_status.h"

namespace rec {
namespace {

// CPU time that a segment may take before replay is taken to have lost its way, at least.
constexpr std::uint64_t patience_ns = 60'000'000'000;
constexpr std::uint64_t patience_factor = 100;

}  // namespace

Replayer::Replayer(TraceReader& reader, ReplayOutput output)
    : reader_(reader), output_(output), arena_(reader), zygote_(arena_) {
  require_features(reader.header(), this_processor);
}

Replayer::~Replayer() {
  try {
    show_made();  // an error or a divergence may have come in the midst of it
  } catch (const Error&) {
    // There is nobody to tell.
  }
  for (auto& [tid, task] : tasks_) {
    ::kill(task->real_tid.value(), SIGKILL);
    ::waitpid(task->real_tid.value(), nullptr, __WALL);
  }
}

ReplayTask& Replayer::task(Tid tid, const Event& event) {
  const auto at = tasks_.find(tid);
  if (at == tasks_.end()) {
    fail("the trace is damaged: event {} ({}) is of task {}, which does not exist then", event.number,
         describe_event(event), tid);
  }
  return *at->second;
}

ReplayTask* Replayer::find(Tid tid) {
  const auto at = tasks_.find(tid);
  return at == tasks_.end() ? nullptr : at->second.get();
}

ReplayTask& Replayer::add_task(Tid tid, Tid real_tid) {
  auto task = std::make_unique<ReplayTask>();
  task->tid = tid;
  task->real_tid = real_tid;
  task->space = std::make_shared<AddressSpace>();
  return *(tasks_[tid] = std::move(task));
}

void Replayer::kill(ReplayTask& task) {
  ::kill(task.real_tid.value(), SIGKILL);
  // Until it is really gone: its memory may be looked at by others.
  while (::waitpid(task.real_tid.value(), nullptr, __WALL) < 0 && errno == EINTR) {
  }
}

void Replayer::remove(Tid tid) { tasks_.erase(tid); }

DomainId Replayer::current(DomainId domain) const {
  for (auto at = merged_.find(domain); at != merged_.end(); at = merged_.find(domain)) domain = at->second;
  return domain;
}

WaitStatus Replayer::run(ReplayTask& task, const Event& why, std::uint64_t started_ns, bool one_step) {
  const Resume to_call = zygote_.is_filtered() ? Resume::cont : Resume::sysemu;
  (void)task.stopped().resume(one_step ? Resume::step : to_call);
  for (;;) {
    if (const auto result = wait_for(task.real_tid, WaitMode::block)) {
      const auto* event = std::get_if<PtraceEvent>(&result->status);
      if (event != nullptr && event->event == PTRACE_EVENT_SECCOMP) return SyscallStop{};
      if (is_end(result->status)) {
        fail("the replayed task {} was killed from outside ({}): out of memory?", task.tid,
             describe(result->status));
      }
      return result->status;
    }
    show_made();
    const std::uint64_t patience = patience_ns + patience_factor * (why.leave_ns - task.left_ns);
    if (monotonic_ns() - started_ns < patience) continue;
    Running(task.real_tid).interrupt();
    (void)wait_until_stopped(task.real_tid);
    task.registers = task.stopped().registers();
    diverge(
        why, task, "the task gets to this event",
        "it has been running for " + std::to_string(patience / 1'000'000'000) + " s without getting there");
  }
}

void Replayer::advance(ReplayTask& task, const Event& why) {
  if (task.position != ReplayTask::Position::user) return;
  replay_agent::set_end(task, true);
  run_to_stop(task, why);
}

void Replayer::run_ring(ReplayTask& task, const Event& why) {
  if (!replay_agent::has_calls(task)) return;
  replay_agent::set_end(task, false);
  run_to_stop(task, why);
  if (task.position != ReplayTask::Position::user) {
    diverge(why, task, "the task makes the calls before this event", describe_position(task));
  }
  task.left_ns = why.leave_ns;
}

// Output of calls that have been made is shown at the task's next stop, and while there is none every time
// that the watchdog looks.
void Replayer::show_made() {
  if (shows_ == nullptr) return;
  output_.show_until(replay_agent::ring_position(*shows_));
  if (!output_.waits()) shows_ = nullptr;
}

// What comes in the trace before something that others do, or show, is done and shown before it.
void Replayer::catch_up_with_output() {
  if (shows_ != nullptr) run_ring(*shows_, shows_->history.last());
}

// To the next stop, other than those between two calls of the agent's.
void Replayer::run_to_stop(ReplayTask& task, const Event& why) {
  if (shows_ != &task) catch_up_with_output();
  const std::uint64_t started = monotonic_ns();
  for (;;) {
    const WaitStatus status = run(task, why, started);
    show_made();
    const Stopped stopped = task.stopped();
    if (std::holds_alternative<SyscallStop>(status)) {
      task.registers = stopped.registers();
      if (replay_agent::takes_call(task)) continue;
      task.position = ReplayTask::Position::at_entry;
      return;
    }
    if (const auto* stop = std::get_if<SignalStop>(&status)) {
      task.fault = stopped.siginfo();
      task.registers = stopped.registers();
      if (stop->signal == SIGTRAP && replay_agent::take_stop(task, why)) return;
      // What others send to it has no place in a replay.
      if (task.fault.si_code > 0 && stop->signal != SIGCHLD) {
        task.position = ReplayTask::Position::at_fault;
        return;
      }
    }
  }
}

void Replayer::set_registers(ReplayTask& task, Registers registers) {
  // Not inside a call: the kernel shall not take a restart code in rax as its own.
  registers.orig_rax = ~std::uint64_t{0};
  task.stopped().set_registers(registers);
  task.registers = registers;
  task.position = ReplayTask::Position::user;
  task.waits_in_call = false;
}

void Replayer::set_xstate(const ReplayTask& task, const std::vector<std::byte>& recorded) const {
  const Stopped stopped = task.stopped();
  const std::vector<std::byte> here = stopped.xstate();
  const bool is_alike = comparable_xstate(recorded, here) == here.size();
  stopped.set_xstate(is_alike ? recorded : common_xstate(recorded, here));
}

std::size_t Replayer::comparable_xstate(const std::vector<std::byte>& recorded,
                                        const std::vector<std::byte>& here) const {
  const bool is_alike =
      reader_.header().xstate_features == xstate_features() && recorded.size() == here.size();
  return is_alike ? here.size() : std::min({recorded.size(), here.size(), common_xstate_size});
}

void Replayer::must_make(const char* what, const ReplayTask& task, RemoteBatch& batch) const {
  const Stopped stopped = task.stopped();
  if (zygote_.is_filtered()) {
    batch.run(stopped, task.memory());
  } else {
    batch.run_one_by_one(stopped);
  }
  if (const std::int64_t error = batch.first_error(); error != 0)
    fail_with_errno(fmt::format("{} in task {}", what, task.tid), static_cast<int>(-error));
}

void Replayer::write_outputs(const ReplayTask& task, const Event& event) {
  std::vector<RemoteMemory::Piece> pieces;
  for (const Data& data : event.data) {
    if (data.role == Data::Role::output) pieces.push_back({data.address, data.bytes});
  }
  write_all(task.memory(), pieces);
}

void Replayer::show_output(const Event& event) {
  if (ProgramOutput::is_shown(event)) output_.show(event);
}

// The segment of the task that had the turn before ends at its next call (format/event.h).
void Replayer::close_open_segment(ReplayTask& task, const Event& event) {
  Tid& open = open_[current(task.domain)];
  if (open != task.tid) {
    const auto other = tasks_.find(open);
    if (other != tasks_.end()) {
      advance(*other->second, event);
      other->second->waits_in_call = true;
    }
  }
  open = task.tid;
}

void Replayer::change_domain(ReplayTask& task, DomainId domain) {
  Tid& open = open_[current(task.domain)];
  if (open == task.tid) open = Tid();
  task.domain = domain;
  open_[current(domain)] = task.tid;
}

void Replayer::on_start(const Event& event) {
  if (tasks_.contains(event.tid))
    fail("the trace is damaged: event {} makes task {}, which is there already", event.number, event.tid);
  if (event.extra->parent.value() == 0) {
    ReplayTask& task = add_task(event.tid, new_process());
    task.pid = event.extra->pid;
    task.domain = event.extra->domain;
    first_pid_ = task.pid;
    // It stands at its first execve, which is not run but taken as it was recorded.
    if (event.extra->after) task.registers = *event.extra->after;
    task.position = ReplayTask::Position::at_entry;
    return;
  }
  special::replay_start(*this, event);
}

void Replayer::on_exit(const Event& event) {
  (void)task(event.tid, event);  // is there
  const std::unique_ptr<ReplayTask> gone = std::move(tasks_.at(event.tid));
  tasks_.erase(event.tid);
  // Through its own memory: what of it others have is theirs, too, be it an address space or a shared page.
  write_outputs(*gone, event);
  kill(*gone);
  if (gone->pid == first_pid_ && gone->tid.value() == first_pid_.value()) {
    wait_status_ = static_cast<int>(event.result);
  }
}

void Replayer::on_merge(const Event& event) {
  const DomainId from = current(DomainId(static_cast<std::uint32_t>(event.args[0])));
  const DomainId into = current(DomainId(static_cast<std::uint32_t>(event.args[1])));
  const auto open = open_.find(from);
  if (open != open_.end()) {
    const auto other = tasks_.find(open->second);
    if (other != tasks_.end()) advance(*other->second, event);
    open_.erase(open);
  }
  if (from != into) merged_[from] = into;
}

// What a call of another task, which is inside of it, changes in this one's memory.
void Replayer::write_to_other(const ReplayTask& task, const Event& event) {
  if (event.extra != nullptr) special::place_mappings(*this, task, event.extra->mappings);
  special::write_to_mappings(task, event);
}

// Whether the stop for a tracer ends a segment. (A new task, say, stops without having had its turn.)
bool Replayer::runs_to_stop(const Event& event) {
  const auto at = static_cast<TracedAt>(event.args[1]);
  return at == TracedAt::entry || at == TracedAt::before_call || at == TracedAt::fault ||
         at == TracedAt::stepped;
}

// A segment begins where a point was.
void Replayer::leave_point(ReplayTask& task) {
  if (task.position != ReplayTask::Position::at_point) return;
  task.position = ReplayTask::Position::user;
  task.waits_in_call = false;
}

void Replayer::replay(const Event& event) {
  const bool is_of_program = event.kind == EventKind::call || event.kind == EventKind::trap;
  if (is_of_program && (event.flags & event_by_agent) != 0) {
    replay_by_agent(event);
    return;
  }
  last_by_agent_ = nullptr;
  if (shows_ != nullptr && shows_->tid != event.tid) catch_up_with_output();
  // Those that advance the task run it through its ring, too; for all others it has to stand behind its last
  // call.
  const bool advances = event.kind == EventKind::call || event.kind == EventKind::exec ||
                        event.kind == EventKind::trap || event.kind == EventKind::memory;
  const auto known = tasks_.find(event.tid);
  if (!advances && known != tasks_.end()) run_ring(*known->second, event);
  switch (event.kind) {
    case EventKind::start:
      on_start(event);
      break;
    case EventKind::exit:
      on_exit(event);
      return;
    case EventKind::merge:
      on_merge(event);
      return;
    case EventKind::note:
      if ((event.flags & event_not_replayable) != 0) {
        fail("the recording cannot be replayed beyond event {}: {}", event.number,
             event.extra != nullptr ? event.extra->text : "");
      }
      return;
    case EventKind::stop:
      return;
    case EventKind::memory:
      close_open_segment(task(event.tid, event), event);
      advance(task(event.tid, event), event);
      if (event.args[0] != 0) {
        write_to_other(task(Tid(static_cast<std::int32_t>(event.args[0])), event), event);
      } else {
        write_outputs(task(event.tid, event), event);
        task(event.tid, event).waits_in_call = true;
      }
      break;
    case EventKind::begin:
      close_open_segment(task(event.tid, event), event);
      // A tracer that was told of a fault let it go on.
      if (task(event.tid, event).position == ReplayTask::Position::at_fault)
        task(event.tid, event).position = ReplayTask::Position::at_point;
      leave_point(task(event.tid, event));
      break;
    case EventKind::point:
      close_open_segment(task(event.tid, event), event);
      replay_point(*this, task(event.tid, event), event);
      break;
    case EventKind::traced:
      if (runs_to_stop(event)) close_open_segment(task(event.tid, event), event);
      special::replay_stop(*this, task(event.tid, event), event);
      break;
    case EventKind::agent:
      replay_agent::replay_change(*this, task(event.tid, event), event);
      break;
    case EventKind::exec:
      // It left its domain when it gave up its memory: those who had the turn there since go on.
      replay_call(*this, task(event.tid, event), event);
      break;
    case EventKind::call:
      close_open_segment(task(event.tid, event), event);
      replay_call(*this, task(event.tid, event), event);
      if ((event.flags & event_ends_turn) != 0)
        task(event.tid, event).position = ReplayTask::Position::at_point;
      break;
    case EventKind::signal:
      replay_signal(*this, task(event.tid, event), event);
      leave_point(task(event.tid, event));
      break;
    case EventKind::trap:
      close_open_segment(task(event.tid, event), event);
      replay_trap(*this, task(event.tid, event), event);
      break;
  }
  remember(task(event.tid, event), event);
}

void Replayer::remember(ReplayTask& task, const Event& event) {
  task.left_ns = event.leave_ns;
  task.history.add(event);
}

void Replayer::replay_by_agent(const Event& event) {
  // Of a run of such events, all but the first find the task, and its domain's turn, as the one before left
  // it.
  if (last_by_agent_ == nullptr || last_by_agent_->tid != event.tid) {
    last_by_agent_ = &this->task(event.tid, event);
    close_open_segment(*last_by_agent_, event);
  }
  ReplayTask& task = *last_by_agent_;
  if (shows_ != &task && ProgramOutput::is_shown(event)) catch_up_with_output();
  if (!replay_agent::queue_call(task, event)) {
    run_ring(task, event);
    if (!replay_agent::queue_call(task, event))
      fail("the trace is damaged: event {} has more data than the agent's ring", event.number);
  }
  if (ProgramOutput::is_shown(event)) {
    output_.keep(event, replay_agent::ring_end(task));
    shows_ = &task;
  }
  task.history.add(event);
}

// The next event; nullptr: there is none. What comes before the trace's end, or its damage, is shown.
const Event* Replayer::read_event() {
  try {
    const Event* event = reader_.next();
    if (event != nullptr) check_event(*event);
    if (event == nullptr) catch_up_with_output();
    return event;
  } catch (const Error&) {
    catch_up_with_output();
    throw;
  }
}

bool Replayer::step() {
  try {
    const Event* event = read_event();
    if (event == nullptr) return false;
    next_ = EventNumber(event->number.value() + 1);
    replay(*event);
  } catch (const TaskGone& gone) {
    fail_for(gone);
  }
  return true;
}

void Replayer::fail_for(const TaskGone& gone) const {
  fail("the replayed task {} was killed from outside before event {} was replayed: out of memory?", gone.tid,
       next_);
}

void Replayer::run_until(EventNumber number) {
  while (next_ < number && step()) {
  }
  try {
    catch_up_with_output();
  } catch (const TaskGone& gone) {
    fail_for(gone);
  }
}

void Replayer::run_to_end() {
  while (step()) {
  }
}

}  // namespace rec

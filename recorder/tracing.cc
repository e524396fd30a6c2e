#include "recorder/tracing.h"

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "format/base/error.h"
#include "recorder/special/special.h"
#include "tracee/task_state.h"

namespace rec {
namespace {

using Call = TraceStop::Call;
using Then = TraceStop::Then;
using Until = Tracing::Until;

// Marks a held SIGSTOP that stands for PTRACE_INTERRUPT; the kernel leaves si_errno 0 (sigaction(2)).
constexpr int interrupt_mark = 0x52454349;

// The tracer hears of its children by SIGCHLD, unless it cannot tell whether it did (kernel/signal.c,
// do_notify_parent_cldstop).
void send_child_signal(Session& session, Process& process, const siginfo_t& info) {
  const KernelSigaction& action = process.actions.at(SIGCHLD);
  const bool is_end = info.si_code == CLD_EXITED || info.si_code == CLD_KILLED;
  const bool unwanted = (action.flags & static_cast<std::uint64_t>(SA_NOCLDSTOP)) != 0 && !is_end;
  const auto blocks_it = [](const Task* task) {
    return (task->signal_mask & std::uint64_t{1} << (SIGCHLD - 1)) != 0;
  };
  const std::vector<Task*> tasks = session.tasks_of(process);
  const bool unseen = action.handler == 0 && std::none_of(tasks.begin(), tasks.end(), blocks_it);
  if (action.handler == 1 || unwanted || unseen) return;
  process.child_signals.push_back(info);
  if (::kill(process.pid.value(), SIGCHLD) != 0 && errno != ESRCH)
    fail_with_errno(fmt::format("kill of process {}", process.pid));
}

// Wakes those that wait for the task: their wait ends (special/wait.cc looks for what there is to tell).
void tell_tracer(Session& session, Task& tracer, Tid tid, siginfo_t info) {
  for (Task* waiter : session.tasks_of(*tracer.process)) {
    if (special::waits_for(*waiter, tid)) Running(waiter->tid).interrupt();
  }
  info.si_signo = SIGCHLD;
  info.si_pid = tid.value();
  send_child_signal(session, *tracer.process, info);
}

// The tracer shall find the program's own code in it.
void retire_agent(Session& session, Task& task) {
  Process& process = *task.process;
  process.was_traced = true;
  if (process.agent->memory && !process.agent->is_off) session.agents().retire(task);
}

}  // namespace

bool has_our_numbers(const Task& task) {
  std::optional<bool>& known = task.process->has_our_numbers;
  if (!known) known = is_in_our_pid_namespace(task.tid);
  return *known;
}

bool stops_for_tracer(const Task& task) { return task.traced.has_value(); }

void stop_for_tracer(Session& session, Task& task, TraceStop stop) {
  Tracing& tracing = *task.traced;
  const Registers registers = Stopped(task.tid).registers();
  session.append({.tid = task.tid,
                  .kind = EventKind::traced,
                  .nr = stop.code,
                  .args = {static_cast<std::uint64_t>(tracing.tracer.value()),
                           static_cast<std::uint64_t>(stop.at), registers.rip}});
  task.position = Task::Position::traced;
  stop.since_ns = session.now_ns();
  tracing.message = stop.message;
  tracing.is_changed = false;
  siginfo_t info{};
  info.si_code = stop.is_group_stop ? CLD_STOPPED : CLD_TRAPPED;
  info.si_status = stop.code & 0x7f;
  tracing.stop = stop;
  if (tracing.stop->at != TracedAt::ending) retire_agent(session, task);
  Task* tracer = session.find(tracing.tracer);
  ENSURE(tracer != nullptr, "task {} is traced by task {}, which is not there", task.tid, tracing.tracer);
  const std::shared_ptr<Domain> domain = task.process->domain;  // which becomes another one
  session.merge_domains(*tracer, domain);
  tell_tracer(session, *tracer, task.tid, info);
  session.release_turn(task);
}

void continue_traced(Session& session, Task& task, Until until, int signal) {
  Tracing& tracing = *task.traced;
  tracing.until = until;
  const TraceStop left = *tracing.stop;
  tracing.stop.reset();
  while (!tracing.next.empty()) {
    const TraceStop next = tracing.next.front();
    tracing.next.pop_front();
    if (next.call == Call::exit && until != Until::call) continue;
    stop_for_tracer(session, task, next);
    return;
  }
  tracing.left = left;
  tracing.signal = signal;
  if (left.then == Then::user || left.then == Then::enter_call) {
    session.queue_for_turn(task);
  } else {
    leave_trace_stop(session, task);
  }
}

namespace {

// Not in a signal-delivery stop: the signal is sent anew (include/linux/ptrace.h, ptrace_report_syscall).
void send_chosen_signal(Task& task, const TraceStop& stop, int signal) {
  const bool is_told = stop.info && stop.info->si_signo == signal && stop.call == Call::none;
  if (task.traced && is_told) task.traced->told_already = signal;
  siginfo_t info{};
  info.si_signo = signal;
  info.si_code = SI_KERNEL;
  task.held.push_back(info);
  ::syscall(SYS_tgkill, task.process->pid.value(), task.tid.value(), signal);
}

void go_to_user(Session& session, Task& task, const TraceStop& stop, int signal) {
  if (stop.is_first) provide_scratch(task);
  session.append({.tid = task.tid, .kind = EventKind::begin});
  task.left_with = Stopped(task.tid).registers();
  if (signal != 0 && stop.delivers) {
    deliver_chosen_signal(session, task, *stop.info, signal);
    return;
  }
  if (signal != 0 && !stop.is_group_stop) send_chosen_signal(task, stop, signal);
  session.resume_user(task);
}

}  // namespace

void leave_trace_stop(Session& session, Task& task) {
  Tracing& tracing = *task.traced;
  const TraceStop stop = *tracing.left;
  tracing.left.reset();
  const int signal = std::exchange(tracing.signal, 0);
  if (tracing.is_changed) task.before_call = false;
  if (tracing.is_leaving) task.traced.reset();
  switch (stop.then) {
    case Then::user:
      go_to_user(session, task, stop, signal);
      return;
    case Then::enter_call:
      if (signal != 0) send_chosen_signal(task, stop, signal);
      session.enter_call(task);
      return;
    case Then::resume_call:
      session.resume_call(task);
      return;
    case Then::finish_call:
      task.position = Task::Position::after_call;
      session.queue_for_turn(task);
      return;
    case Then::end:
      session.let_end(task);
      return;
  }
}

// --- beginning and end ---

void begin_tracing(Session& session, Task& task, const Task& tracer, bool is_seized, std::uint64_t options) {
  session.uses_tracing();
  task.process->was_traced = true;
  task.traced = Tracing{.tracer = tracer.tid, .options = options, .is_seized = is_seized};
}

bool is_interrupt_request(const siginfo_t& info) {
  return info.si_signo == SIGSTOP && info.si_errno == interrupt_mark;
}

void ask_for_stop(Task& task, bool is_interrupt) {
  if (task.position == Task::Position::group_stop) {
    // It is stopped, but listens: the kernel reports the group stop anew, in a way that lets its state be
    // seen.
    Running(task.tid).interrupt();
    return;
  }
  siginfo_t info{};
  info.si_signo = SIGSTOP;
  info.si_code = SI_KERNEL;
  if (is_interrupt) info.si_errno = interrupt_mark;
  task.held.push_back(info);
  ::syscall(SYS_tgkill, task.process->pid.value(), task.tid.value(), SIGSTOP);
}

std::vector<Task*> traced_by(Session& session, const Process& process) {
  std::vector<Task*> found;
  if (!session.is_tracing_used()) return found;
  for (const Tid tid : session.all_tids()) {
    Task* task = session.find(tid);
    if (!task->traced) continue;
    const Task* tracer = session.find(task->traced->tracer);
    if (tracer != nullptr && tracer->process.get() == &process) found.push_back(task);
  }
  return found;
}

void end_tracing(Session& session, Task& task, std::int32_t status) {
  if (task.traced) {
    Task* tracer = session.find(task.traced->tracer);
    // The kernel itself tells a parent of its children's ends, once rec has heard of them.
    const bool is_told = tracer != nullptr && task.tid.value() == task.process->pid.value() &&
                         task.process->parent == tracer->process->pid;
    if (tracer != nullptr && !is_told) {
      tracer->process->traced_ends.push_back({task.tid, status});
      siginfo_t info{};
      info.si_code = (status & 0x7f) == 0 ? CLD_EXITED : CLD_KILLED;
      info.si_status = (status & 0x7f) == 0 ? status >> 8 : status & 0x7f;
      tell_tracer(session, *tracer, task.tid, info);
    }
    task.traced.reset();
  }
  if (!session.is_tracing_used()) return;
  for (const Tid tid : session.all_tids()) {
    Task* other = session.find(tid);
    if (other == nullptr || !other->traced || other->traced->tracer != task.tid) continue;
    Tracing& tracing = *other->traced;
    if ((tracing.options & PTRACE_O_EXITKILL) != 0) ::kill(other->process->pid.value(), SIGKILL);
    tracing.next.clear();
    tracing.is_leaving = true;
    try {
      if (tracing.stop) {
        continue_traced(session, *other, Until::signal, 0);
      } else if (!tracing.left) {
        other->traced.reset();
      }
    } catch (const TaskGone&) {
      // Killed meanwhile: its own end will tell.
    }
  }
}

}  // namespace rec

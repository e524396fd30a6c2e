#include "recorder/tracing.h"

#include <sched.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "format/base/error.h"
#include "recorder/special/special.h"
#include "recorder/task_state.h"
#include "recorder/traps.h"

namespace rec {
namespace {

using Call = TraceStop::Call;
using Then = TraceStop::Then;
using Until = Tracing::Until;

// Marks a held SIGSTOP that stands for PTRACE_INTERRUPT; the kernel leaves si_errno 0 (sigaction(2)).
constexpr int interrupt_mark = 0x52454349;

constexpr std::int32_t event_code(int event, int signal = SIGTRAP) { return signal | event << 8; }

bool wants(const Task& task, std::uint64_t option) {
  return task.traced && (task.traced->options & option) != 0;
}

// Of a stop that is not for a signal (kernel/signal.c, ptrace_do_notify).
siginfo_t notice(const Task& task, std::int32_t code) {
  siginfo_t info{};
  info.si_signo = code & 0x7f;
  info.si_code = code;
  info.si_pid = task.tid.value();
  return info;
}

TraceStop event_stop(const Task& task, int event, std::uint64_t message, TracedAt at, Then then) {
  TraceStop stop{.code = event_code(event), .at = at, .then = then, .message = message};
  stop.info = notice(task, stop.code);
  return stop;
}

siginfo_t trap_info(const Task& task, int code) {
  siginfo_t info{};
  info.si_signo = SIGTRAP;
  info.si_code = code;
  info.si_addr = reinterpret_cast<void*>(Stopped(task.tid).registers().rip);
  return info;
}

TraceStop call_stop(const Task& task, TracedAt at, Then then, Call call) {
  constexpr int good = 0x80;
  TraceStop stop{.code = SIGTRAP, .at = at, .then = then, .call = call};
  if (wants(task, PTRACE_O_TRACESYSGOOD)) stop.code |= good;
  stop.message = call == Call::entry ? 1 : 2;  // linux/ptrace.h, PTRACE_EVENTMSG_SYSCALL_ENTRY and …_EXIT
  stop.info = notice(task, stop.code);
  return stop;
}

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

Resume resume_for_tracer(const Task& task, Resume otherwise) {
  if (!task.traced || task.traced->until != Until::instruction) return otherwise;
  if (otherwise != Resume::syscall) return Resume::step;
  // A filter that is not rec's may refuse the call that is the next instruction, and the end of a step comes
  // behind that. The entry is the first stop, and rec ends the step behind the call (stop_after_call).
  constexpr std::uint16_t syscall_instruction = 0x050f, int_0x80 = 0x80cd;
  const std::uint64_t rip = Stopped(task.tid).registers().rip;
  const std::uint16_t next = task.memory().read(RemotePtr<std::uint16_t>(rip)).value_or(0);
  return next == syscall_instruction || next == int_0x80 ? Resume::syscall : Resume::step;
}

// --- where it stops ---

bool stop_at_entry(Session& session, Task& task) {
  if (!task.traced) return false;
  if (task.traced->until == Until::instruction) {
    // The flag by which it is stepped is among those that `syscall` leaves in r11.
    constexpr std::uint64_t flag_trap = 0x100;  // asm/processor-flags.h
    const Stopped stopped(task.tid);
    Registers registers = stopped.registers();
    registers.r11 &= ~flag_trap;
    stopped.set_registers(registers);
  }
  if (task.traced->until != Until::call) return false;
  stop_for_tracer(session, task, call_stop(task, TracedAt::entry, Then::enter_call, Call::entry));
  return true;
}

bool stop_after_call(Session& session, Task& task) {
  if (!task.traced || task.traced->until != Until::call) return stop_after_step(session, task);
  stop_for_tracer(session, task, call_stop(task, TracedAt::boundary, Then::user, Call::exit));
  return true;
}

bool stop_after_step(Session& session, Task& task) {
  if (!task.traced || task.traced->until != Until::instruction) return false;
  stop_for_tracer(session, task, {.code = SIGTRAP, .info = trap_info(task, TRAP_TRACE)});
  return true;
}

bool stop_stepped(Session& session, Task& task, const siginfo_t& info) {
  const bool is_step = task.traced && task.traced->until == Until::instruction && info.si_signo == SIGTRAP &&
                       info.si_code == TRAP_TRACE;
  if (!is_step) return false;
  restore_disposition(task, SIGTRAP);
  stop_for_tracer(session, task, {.code = SIGTRAP, .at = TracedAt::stepped, .info = info, .delivers = true});
  return true;
}

// fs/exec.c, exec_binprm: an event, or a SIGTRAP for those who attached without asking for it.
bool stop_after_exec(Session& session, Task& task) {
  if (!task.traced) return false;
  Tracing& tracing = *task.traced;
  const bool tells = wants(task, PTRACE_O_TRACEEXEC);
  std::deque<TraceStop> stops;
  if (tells) {
    stops.push_back(event_stop(task, PTRACE_EVENT_EXEC, static_cast<std::uint64_t>(task.former_tid.value()),
                               TracedAt::boundary, Then::user));
  }
  if (tells || tracing.until == Until::call)
    stops.push_back(call_stop(task, TracedAt::boundary, Then::user, Call::exit));
  if (!tells && !tracing.is_seized) {
    siginfo_t info{};
    info.si_signo = SIGTRAP;
    info.si_code = SI_USER;
    info.si_pid = task.process->pid.value();
    stops.push_back({.code = SIGTRAP, .info = info});
  }
  if (stops.empty()) return stop_after_step(session, task);
  const TraceStop first = stops.front();
  stops.pop_front();
  tracing.next = std::move(stops);
  stop_for_tracer(session, task, first);
  return true;
}

bool stop_after_vfork(Session& session, Task& task) {
  const bool is_due = wants(task, PTRACE_O_TRACEVFORKDONE) && task.vfork_child.value() != 0;
  const Tid child = std::exchange(task.vfork_child, Tid{});
  if (!is_due) return false;
  stop_for_tracer(session, task,
                  event_stop(task, PTRACE_EVENT_VFORK_DONE, static_cast<std::uint64_t>(child.value()),
                             TracedAt::in_call, Then::finish_call));
  return true;
}

bool stop_for_signal(Session& session, Task& task, const siginfo_t& info, SignalPoint point) {
  if (!task.traced) return false;
  if (std::exchange(task.traced->told_already, 0) == info.si_signo) return false;
  TraceStop stop{.code = info.si_signo, .info = info, .delivers = true};
  if (point == SignalPoint::before_call) stop.at = TracedAt::before_call;
  if (point == SignalPoint::fault) stop.at = TracedAt::fault;
  if (is_interrupt_request(info)) {
    stop.code = event_code(PTRACE_EVENT_STOP);
    stop.info = notice(task, stop.code);
    stop.delivers = false;
  }
  stop_for_tracer(session, task, stop);
  return true;
}

bool stop_with_group(Session& session, Task& task, int signal) {
  if (!task.traced) return false;
  TraceStop stop{.code = signal, .is_group_stop = true};
  if (task.traced->is_seized) {
    stop.code = event_code(PTRACE_EVENT_STOP, signal);
    stop.info = notice(task, stop.code);
  }
  stop_for_tracer(session, task, stop);
  return true;
}

bool stop_at_group_end(Session& session, Task& task) {
  if (!task.traced) return false;
  stop_for_tracer(session, task, event_stop(task, PTRACE_EVENT_STOP, 0, TracedAt::boundary, Then::user));
  return true;
}

bool stop_at_end(Session& session, Task& task) {
  if (!task.traced) return false;
  Tracing& tracing = *task.traced;
  tracing.stop.reset();
  tracing.left.reset();
  tracing.next.clear();
  if (!wants(task, PTRACE_O_TRACEEXIT) || session.find(tracing.tracer) == nullptr) return false;
  stop_for_tracer(
      session, task,
      event_stop(task, PTRACE_EVENT_EXIT, Stopped(task.tid).event_message(), TracedAt::ending, Then::end));
  return true;
}

// --- new tasks ---

namespace {

// kernel/fork.c, kernel_clone
int creation_event(const Task& parent, std::uint64_t clone_flags) {
  const syscalls::Special special = parent.call.policy.special;
  if ((clone_flags & CLONE_VFORK) != 0) return PTRACE_EVENT_VFORK;
  const bool is_fork = special == syscalls::Special::fork || parent.call.exit_signal == SIGCHLD;
  return is_fork ? PTRACE_EVENT_FORK : PTRACE_EVENT_CLONE;
}

bool tells_of_child(const Task& parent, std::uint64_t clone_flags) {
  // PTRACE_O_TRACEFORK and its like are 1 << PTRACE_EVENT_… (linux/ptrace.h).
  const int event = creation_event(parent, clone_flags);
  return (clone_flags & CLONE_UNTRACED) == 0 && wants(parent, std::uint64_t{1} << event);
}

}  // namespace

void trace_child(const Task& parent, Task& child, std::uint64_t clone_flags) {
  if (!tells_of_child(parent, clone_flags)) return;
  child.process->was_traced = true;
  child.traced = Tracing{.tracer = parent.traced->tracer,
                         .options = parent.traced->options,
                         .is_seized = parent.traced->is_seized};
}

void place_child(Session& session, Task& child) {
  if (!child.traced) {
    session.queue_for_turn(child);
    return;
  }
  TraceStop stop{.code = SIGSTOP, .is_first = true};
  if (child.traced->is_seized) stop.code = event_code(PTRACE_EVENT_STOP);
  stop.info = notice(child, stop.code);
  try {
    stop_for_tracer(session, child, stop);
  } catch (const TaskGone& gone) {
    if (gone.tid != child.tid) throw;  // killed meanwhile: its own end will tell
  }
}

bool stop_for_child(Session& session, Task& parent, Tid child, std::uint64_t clone_flags) {
  const int event = creation_event(parent, clone_flags);
  if (event == PTRACE_EVENT_VFORK) parent.vfork_child = child;
  if (!tells_of_child(parent, clone_flags)) return false;
  stop_for_tracer(session, parent,
                  event_stop(parent, event, static_cast<std::uint64_t>(child.value()), TracedAt::in_call,
                             Then::resume_call));
  return true;
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

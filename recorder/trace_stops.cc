// Where a traced task stops for its tracer, and as what the tracer is told of it (ptrace(2), "Stopped
// states").
#include <sched.h>
#include <sys/ptrace.h>

#include <csignal>
#include <deque>
#include <utility>

#include "recorder/tracing.h"
#include "recorder/traps.h"

namespace rec {
namespace {

using Call = TraceStop::Call;
using Then = TraceStop::Then;
using Until = Tracing::Until;

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

}  // namespace

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

}  // namespace rec

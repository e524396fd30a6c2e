// Signals: what becomes of each, and at a point that replay can find again.
//
//   raised by the task's own instruction   delivered there; the instruction faults again at replay
//   right after an event of the task       delivered there (this is where a blocked call is interrupted)
//   in the middle of user code             held, and delivered before the next system call, which is called
//   off for it ends or stops the task, or is ignored  passed on where it is: none of the program's code sees
//   the difference
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "format/base/error.h"
#include "recorder/session.h"
#include "recorder/tracing.h"
#include "recorder/traps.h"
#include "tracee/agent_area.h"
#include "tracee/filter.h"

namespace rec {
namespace {

constexpr std::uint64_t handler_default = 0;
constexpr std::uint64_t handler_ignore = 1;

constexpr std::uint64_t signal_bit(int signal) { return std::uint64_t{1} << (signal - 1); }

// Raised by the instruction itself: kernel-made (si_code > 0) and one of the faults. A fault "from user"
// (kill) is not.
bool is_fault(const siginfo_t& info) {
  switch (info.si_signo) {
    case SIGSEGV:
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
    case SIGTRAP:
      return info.si_code > 0;
    default:
      return false;
  }
}

// Default actions, signal(7).
SignalAction default_action(int signal) {
  switch (signal) {
    case SIGCHLD:
    case SIGURG:
    case SIGWINCH:
      return SignalAction::ignore;
    case SIGCONT:
      return SignalAction::resume;
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
      return SignalAction::stop;
    default:
      return SignalAction::terminate;
  }
}

SignalAction action_for(const Process& process, int signal) {
  const std::uint64_t handler = process.actions.at(static_cast<std::size_t>(signal)).handler;
  if (handler == handler_ignore && signal != SIGKILL && signal != SIGSTOP) return SignalAction::ignore;
  return handler == handler_default ? default_action(signal) : SignalAction::handler;
}

bool is_in_call(const Registers& registers) { return static_cast<std::int64_t>(registers.orig_rax) >= 0; }

bool is_at_call(const Task& task, const Registers& registers) {
  constexpr std::uint16_t syscall_instruction = 0x050f;
  return task.memory().read(RemotePtr<std::uint16_t>(registers.rip)) == syscall_instruction;
}

std::vector<std::byte> bytes_of(const siginfo_t& info) {
  const auto bytes = std::as_bytes(std::span(&info, 1));
  return {bytes.begin(), bytes.end()};
}

// Sent by send_held_signal below: stands for the held signal of the same number.
bool is_ours(const siginfo_t& info) { return info.si_code == SI_TKILL && info.si_pid == ::getpid(); }

std::optional<siginfo_t> take_held(Task& task, int signal) {
  const auto at = std::find_if(task.held.begin(), task.held.end(),
                               [&](const siginfo_t& held) { return held.si_signo == signal; });
  if (at == task.held.end()) return std::nullopt;
  const siginfo_t info = *at;
  task.held.erase(at);
  return info;
}

// The frame that the kernel pushed for the handler (arch/x86/include/asm/sigframe.h):
//   rsp → return address | ucontext | siginfo | … | FP state | magic
// The FP state ends the frame; its first part says how long it is.
std::uint64_t frame_end(const RemoteMemory& memory, std::uint64_t rsp) {
  constexpr std::uint64_t ucontext_at = 8;
  constexpr std::uint64_t fpregs_at = ucontext_at + offsetof(ucontext_t, uc_mcontext.fpregs);
  constexpr std::uint64_t software_bytes_at = 464;
  constexpr std::uint32_t magic1 = 0x46505853;  // FP_XSTATE_MAGIC1: extended_size is valid
  constexpr std::uint64_t legacy_size = 512;
  const auto fp_state = memory.read(RemotePtr<std::uint64_t>(rsp + fpregs_at));
  ENSURE(fp_state && *fp_state > rsp && *fp_state < rsp + (1 << 20), "signal frame at {:#x}", rsp);
  const auto software = memory.read(RemotePtr<std::array<std::uint32_t, 2>>(*fp_state + software_bytes_at));
  ENSURE(software.has_value(), "FP state at {:#x}", *fp_state);
  return *fp_state + ((*software)[0] == magic1 ? (*software)[1] : legacy_size);
}

// A handler must run, and in a domain of several processes a stop must come, at a place that the others'
// order can be told from. A tracer may look at the task, and change it.
bool needs_known_place(const Task& task, SignalAction action) {
  if (stops_for_tracer(task)) return true;
  return action == SignalAction::handler || (action == SignalAction::stop && task.domain().processes > 1);
}

// As the kernel does, keeps a standard signal that comes again only once (signal(7), "Queueing and delivery
// semantics for standard signals").
void hold(Task& task, const siginfo_t& info) {
  const bool is_there = std::any_of(task.held.begin(), task.held.end(),
                                    [&](const siginfo_t& held) { return held.si_signo == info.si_signo; });
  if (info.si_signo >= SIGRTMIN || !is_there) task.held.push_back(info);
}

// SECCOMP_RET_TRAP tells the handler where the call was made (seccomp(2)): at the site that is the program's,
// not at the trampoline that stands for it.
void show_own_call_site(Session& session, const Task& task, siginfo_t* info) {
  if (info->si_signo != SIGSYS || info->si_code != by_filter) return;
  const Stopped stopped(task.tid);
  Registers registers = stopped.registers();
  const auto shown = reinterpret_cast<std::uint64_t>(info->si_call_addr);
  const bool was_hidden = session.traps_calls() && shown == agent_area::after_syscall_instruction;
  if (shown != registers.rip && !was_hidden) return;
  if (!session.agents().unmap_pointer(task, registers) && !was_hidden) return;
  info->si_call_addr = reinterpret_cast<void*>(registers.rip);
  stopped.set_siginfo(*info);
}

void append_signal(Session& session, Task& task, const siginfo_t& info, Extra& extra, DataBuffer& data) {
  extra.siginfo = bytes_of(info);
  session.append({.tid = task.tid,
                  .kind = EventKind::signal,
                  .nr = info.si_signo,
                  .data = data.data(),
                  .extra = &extra});
}

// In front of a popf or iret the kernel leaves the trap flag that a step sets for the program's own
// (is_setting_trap_flag in arch/x86/kernel/step.c), and the frame has it. What it takes for such an
// instruction may be a part of the jump that stands there in place of the program's code.
void clear_trap_flag_in_frame(const RemoteMemory& memory, std::uint64_t frame, const Registers& before) {
  // Behind the return address and the head of struct ucontext; struct sigcontext has 17 registers in front of
  // the flags (asm/sigcontext.h).
  constexpr std::uint64_t flags_at = 8 + 40 + 17 * 8;
  const RemotePtr<std::uint64_t> place(frame + flags_at);
  const auto flags = memory.read(place);
  if (!flags || (*flags & flag_trap) == 0 || (before.eflags & flag_trap) != 0) return;
  memory.write_value(RemotePtr<>(place.address()), *flags & ~flag_trap);
}

// Lets the kernel push the handler's frame and stop at the handler's first instruction (signal_setup_done
// notifies a stepping tracer), and records the difference.
void deliver_to_handler(Session& session, Task& task, const siginfo_t& info, SignalPoint point) {
  const Stopped stopped(task.tid);
  Extra extra;
  extra.point = point;
  extra.action = SignalAction::handler;
  Registers known = stopped.registers();
  known.eflags &= ~flag_resume;
  extra.before = known;
  (void)session.agents().unmap_pointer(task, known);
  stopped.set_registers(known);
  KernelSigaction& action = task.process->actions.at(static_cast<std::size_t>(info.si_signo));
  (void)Stopped(task.tid).resume(Resume::step, info.si_signo);
  const WaitStatus status = session.wait_stop(task.tid);
  const auto* stop = std::get_if<SignalStop>(&status);
  if (stop == nullptr || stop->signal != SIGTRAP) {
    // The frame did not fit on the stack: the kernel raises SIGSEGV instead (or the group was stopped just
    // now).
    ENSURE(stop != nullptr && stop->signal == SIGSEGV, "{} on delivery of signal {} to task {}",
           describe(status), info.si_signo, task.tid);
    on_signal_stop(session, task, SIGSEGV);
    return;
  }
  if ((action.flags & static_cast<std::uint64_t>(static_cast<unsigned>(SA_RESETHAND))) != 0) {
    action.handler = handler_default;
  }
  extra.after = stopped.registers();
  extra.xstate = stopped.xstate();
  const RemoteMemory memory = task.memory();
  const std::uint64_t start = extra.after->rsp;
  clear_trap_flag_in_frame(memory, start, known);
  const std::uint64_t end = frame_end(memory, start);
  DataBuffer data;
  const auto room = data.add(Data::Role::output, RemotePtr<>(start), 0, end - start, end - start);
  data.shrink_last(memory.read_some(RemotePtr<>(start), room));
  append_signal(session, task, info, extra, data);
  task.left_with = extra.after;
  task.signal_mask = stopped.signal_mask();
  task.before_call = false;
  task.began_ns.reset();
  if (!stop_after_step(session, task)) session.resume_user(task);
}

void deliver(Session& session, Task& task, const siginfo_t& info, SignalPoint point) {
  const SignalAction action = action_for(*task.process, info.si_signo);
  if (action == SignalAction::handler) {
    deliver_to_handler(session, task, info, point);
    return;
  }
  Extra extra;
  extra.point = point;
  extra.action = action;
  extra.before = Stopped(task.tid).registers();
  DataBuffer none;
  append_signal(session, task, info, extra, none);
  session.resume_user(task, info.si_signo);
}

// What rec's own signals stand for.
void show_meant_signal(Task& task, siginfo_t* info) {
  std::deque<siginfo_t>& meant = task.process->child_signals;
  const bool is_child_signal =
      info->si_signo == SIGCHLD && info->si_code == SI_USER && info->si_pid == ::getpid();
  if (is_child_signal && !meant.empty()) {
    *info = meant.front();
    meant.clear();  // a standard signal that is pending already is not sent again
  } else if (is_ours(*info)) {
    if (const auto held = take_held(task, info->si_signo)) *info = *held;
  } else {
    return;
  }
  Stopped(task.tid).set_siginfo(*info);
}

}  // namespace

bool stands_where_left(const Task& task) {
  if (!task.left_with) return false;
  Registers now = Stopped(task.tid).registers();
  const bool is_marked = (now.eflags & flag_resume) != 0;
  now.eflags &= ~flag_resume;
  Registers then = *task.left_with;
  then.eflags &= ~flag_resume;
  return now == then && (is_marked || is_in_call(now) || is_at_call(task, now));
}

void mark_boundary(const Task& task) {
  if (!task.left_with || is_in_call(*task.left_with)) return;
  const Stopped stopped(task.tid);
  Registers registers = stopped.registers();
  // A call is seen anyway, and would hand out its flags in r11.
  if (registers != *task.left_with || is_at_call(task, registers)) return;
  registers.eflags |= flag_resume;
  stopped.set_registers(registers);
}

void on_signal_stop(Session& session, Task& task, int signal) {
  const Stopped stopped(task.tid);
  siginfo_t info = stopped.siginfo();
  const Agents::Found found = session.agents().take_out(task, Agents::TakeOut::for_good);
  if (found == Agents::Found::left && is_fault(info)) {
    // The agent met a pointer that leads nowhere: the kernel shall say so.
    restore_disposition(task, signal);
    session.resume_user(task);
    return;
  }
  ENSURE(found != Agents::Found::finishing || !is_fault(info), "signal {} in the agent of task {}", signal,
         task.tid);
  if (stop_stepped(session, task, info) || handle_trap(session, task, info)) return;
  show_meant_signal(task, &info);
  if (is_interrupt_request(info) && !stops_for_tracer(task)) {
    session.go_on(task);  // who wanted it is gone
    return;
  }
  show_own_call_site(session, task, &info);
  const bool fault = is_fault(info);
  const bool boundary = stands_where_left(task);
  const SignalAction action = action_for(*task.process, signal);
  SignalPoint point = SignalPoint::anywhere;
  if (boundary) point = task.before_call ? SignalPoint::before_call : SignalPoint::boundary;
  if (fault) point = SignalPoint::fault;
  const bool needs_point = needs_known_place(task, action);
  if (needs_point && point == SignalPoint::anywhere) {
    hold(task, info);
    session.go_on(task);
    return;
  }
  if (!stop_for_signal(session, task, info, point)) deliver(session, task, info, point);
}

void deliver_chosen_signal(Session& session, Task& task, siginfo_t info, int signal) {
  if (info.si_signo != signal) {
    // kernel/signal.c, ptrace_signal
    info = {};
    info.si_signo = signal;
    info.si_code = SI_USER;
    if (task.traced) info.si_pid = task.traced->tracer.value();
  }
  const Stopped stopped(task.tid);
  stopped.set_siginfo(info);
  if ((stopped.signal_mask() & signal_bit(signal)) != 0) {
    session.resume_user(task, signal);  // it stays pending
  } else {
    deliver(session, task, info, SignalPoint::boundary);
  }
}

bool hold_signal(Task& task, int signal) {
  const siginfo_t info = Stopped(task.tid).siginfo();
  const SignalAction action = action_for(*task.process, signal);
  if (is_fault(info) || is_ours(info) || !needs_known_place(task, action)) return false;
  hold(task, info);
  return true;
}

bool has_deliverable_signal(const Task& task) {
  if (task.held.empty()) return false;
  const std::uint64_t mask = Stopped(task.tid).signal_mask();
  return std::any_of(task.held.begin(), task.held.end(),
                     [&](const siginfo_t& held) { return (mask & signal_bit(held.si_signo)) == 0; });
}

bool deliver_held_signal_first(const Session& session, Task& task) {
  if (!has_deliverable_signal(task)) return false;
  const Stopped stopped(task.tid);
  Registers registers = stopped.registers();
  // Call the call off: the task stands right before its `syscall` instruction again.
  registers.go_before_call(registers.orig_rax);
  stopped.set_registers(registers);
  task.number_called_off = registers.rax;
  task.aborting_for_signal = true;
  task.position = Task::Position::call;
  task.call.blocks = false;
  if (session.traps_calls()) Session::hide_call_site(task);
  (void)Stopped(task.tid).resume(Resume::syscall);
  return true;
}

void send_held_signal(Session& session, Task& task) {
  const Stopped stopped(task.tid);
  const std::uint64_t mask = stopped.signal_mask();
  for (const siginfo_t& held : task.held) {
    if ((mask & signal_bit(held.si_signo)) != 0) continue;
    if (::syscall(SYS_tgkill, task.process->pid.value(), task.tid.value(), held.si_signo) != 0 &&
        errno != ESRCH) {
      fail_with_errno(fmt::format("tgkill of task {}", task.tid));
    }
    break;
  }
  Registers registers = stopped.registers();
  if (task.aborting_for_signal && registers.rax != task.number_called_off) {
    // A filter that is not rec's has answered the call that was none (kernel/entry/common.c looks at filters
    // after the stop).
    registers.rax = task.number_called_off;
    stopped.set_registers(registers);
  }
  task.left_with = registers;
  task.before_call = std::exchange(task.aborting_for_signal, false);
  session.resume_user(task);
}

}  // namespace rec

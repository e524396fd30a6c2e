// Tracing within the program, at replay: a traced task stops where it stopped, and is changed as its tracer
// changed it. What the tracer was told comes from the trace.
#include <sys/ptrace.h>

#include "format/base/clock.h"
#include "format/base/error.h"
#include "replayer/divergence.h"
#include "replayer/special/special.h"
#include "tracee/debug_registers.h"

namespace rec::special {
namespace {

void check_place(const ReplayTask& task, const Event& event) {
  if (task.registers.rip == event.args[2]) return;
  diverge(event, task, fmt::format("it stops for its tracer at {:#x}", event.args[2]),
          fmt::format("it is at {:#x}", task.registers.rip));
}

void run_to_call(Replayer& replayer, ReplayTask& task, const Event& event) {
  replayer.advance(task, event);
  if (task.position != ReplayTask::Position::at_entry)
    diverge(event, task, "a system call, where it stops for its tracer", describe_position(task));
}

// It stands in front of the call again, and makes it anew when it goes on.
void call_off(Replayer& replayer, ReplayTask& task) {
  Registers registers = task.registers;
  registers.go_before_call(registers.orig_rax);
  replayer.set_registers(task, registers);
  task.position = ReplayTask::Position::at_point;
}

void run_to_fault(Replayer& replayer, ReplayTask& task, const Event& event) {
  constexpr int signal_bits = 0x7f;
  replayer.advance(task, event);
  if (task.position != ReplayTask::Position::at_fault || task.fault.si_signo != (event.nr & signal_bits))
    diverge(event, task, "its own instruction raises this signal, which its tracer is told of",
            describe_position(task));
  check_place(task, event);
}

void step(Replayer& replayer, ReplayTask& task, const Event& event) {
  if (task.position != ReplayTask::Position::user)
    diverge(event, task, "it makes one step for its tracer", describe_position(task));
  const Stopped stopped = task.stopped();
  WaitStatus status = replayer.run(task, event, monotonic_ns(), true);
  // Where it stood at a call's entry (PTRACE_SYSEMU), the way out of that is the first step: the kernel
  // reports it as another kind of trap (arch/x86/kernel/ptrace.c, user_single_step_report).
  if (std::holds_alternative<SignalStop>(status) && stopped.siginfo().si_code == TRAP_BRKPT)
    status = replayer.run(task, event, monotonic_ns(), true);
  task.registers = stopped.registers();
  const auto* stop = std::get_if<SignalStop>(&status);
  if (stop == nullptr || stop->signal != SIGTRAP)
    diverge(event, task, "it makes one step for its tracer", describe(status));
  check_place(task, event);
  task.position = ReplayTask::Position::at_point;
}

}  // namespace

void replay_stop(Replayer& replayer, ReplayTask& task, const Event& event) {
  const auto at = static_cast<TracedAt>(event.args[1]);
  switch (at) {
    case TracedAt::boundary:
      if (task.position == ReplayTask::Position::user) task.position = ReplayTask::Position::at_point;
      break;
    case TracedAt::entry:
      run_to_call(replayer, task, event);
      check_place(task, event);
      break;
    case TracedAt::before_call:
      run_to_call(replayer, task, event);
      call_off(replayer, task);
      check_place(task, event);
      break;
    case TracedAt::in_call:
      run_to_call(replayer, task, event);
      break;
    case TracedAt::fault:
      run_to_fault(replayer, task, event);
      break;
    case TracedAt::stepped:
      step(replayer, task, event);
      break;
    case TracedAt::ending:
      break;
  }
  task.traced_at = at;
}

void replay_ptrace(Replayer& replayer, const Event& event) {
  ReplayTask* traced = replayer.find(Tid(static_cast<std::int32_t>(event.args[1])));
  if (traced == nullptr) return;  // not of the recording
  const std::uint64_t request = event.args[0];
  if (request == PTRACE_POKETEXT || request == PTRACE_POKEDATA)
    traced->stopped().poke(RemotePtr<>(event.args[2]), event.args[3]);
  if (request == PTRACE_POKEUSER && is_debug_register(event.args[2])) {
    if (!write_debug_register(traced->stopped(), event.args[2], event.args[3]))
      fail("event {}: a tracer sets a processor breakpoint in task {}, and this machine gives none",
           event.number, traced->tid);
  }
  if (event.extra == nullptr || !event.extra->after) return;
  const Registers& after = *event.extra->after;
  const bool waits = traced->waits_in_call;
  replayer.set_registers(*traced, after);
  if (!event.extra->xstate.empty()) replayer.set_xstate(*traced, event.extra->xstate);
  const bool is_in_call = traced->traced_at == TracedAt::entry || traced->traced_at == TracedAt::in_call;
  traced->position = is_in_call ? ReplayTask::Position::at_entry : ReplayTask::Position::at_point;
  if (!is_in_call) return;
  traced->registers.orig_rax = after.orig_rax;
  traced->waits_in_call = waits;
}

}  // namespace rec::special

// Signals at replay: no signal of the kernel's is used. The frame that was pushed and the registers that the
// handler began with are written from the trace.
#include "format/base/error.h"
#include "replayer/divergence.h"
#include "replayer/replayer.h"
#include "tracee/cpuid_faulting.h"
#include "tracee/debug_registers.h"
#include "tracee/trapped_instruction.h"

namespace rec {
namespace {

void check_fault(const ReplayTask& task, const Event& event) {
  if (task.position != ReplayTask::Position::at_fault || task.fault.si_signo != event.nr) {
    diverge(event, task, "the task's own instruction raises this signal", describe_position(task));
  }
}

// Registers that a system call leaves alone. (At a call that was called off, rcx and r11 are as `syscall`
// sets them.)
void check_registers(const ReplayTask& task, const Event& event, const Registers& now) {
  const Registers& then = *event.extra->before;
  const auto differs = [&](const char* name, std::uint64_t is, std::uint64_t was) {
    if (is != was) {
      diverge(event, task, fmt::format("{} is {:#x} where the signal comes", name, was),
              fmt::format("it is {:#x}", is));
    }
  };
  differs("rip", now.rip, then.rip);
  differs("rsp", now.rsp, then.rsp);
  differs("rbp", now.rbp, then.rbp);
  differs("rbx", now.rbx, then.rbx);
  differs("rdi", now.rdi, then.rdi);
  differs("rsi", now.rsi, then.rsi);
  differs("rdx", now.rdx, then.rdx);
  differs("r8", now.r8, then.r8);
  differs("r9", now.r9, then.r9);
  differs("r10", now.r10, then.r10);
  differs("r12", now.r12, then.r12);
  differs("r13", now.r13, then.r13);
  differs("r14", now.r14, then.r14);
  differs("r15", now.r15, then.r15);
}

void check_before_call(const ReplayTask& task, const Event& event) {
  if (task.position != ReplayTask::Position::at_entry) {
    diverge(event, task, "a system call, before which this signal came", describe_position(task));
  }
  Registers now = task.registers;
  now.rip -= 2;  // the call is to be made after the handler
  check_registers(task, event, now);
}

// Where an int3 of rec's stands for the instruction, it reports the address behind itself.
bool stands_at_trap(const ReplayTask& task, const Event& event, TrapKind kind) {
  if (task.position != ReplayTask::Position::at_fault) return false;
  const bool found_when_run = (event.flags & event_found_when_run) != 0;
  if (found_when_run) return task.fault.si_signo == SIGTRAP && task.registers.rip == event.args[4];
  if (event.args[4] != 0) return task.fault.si_signo == SIGTRAP && task.registers.rip == event.args[4] + 1;
  const auto trapped = faulting_instruction_at(task.memory(), RemotePtr<>(task.registers.rip));
  return trapped && trapped->kind == kind;
}

std::string expected_trap(const Event& event, TrapKind kind) {
  if (event.args[4] != 0) return fmt::format("{} at {:#x}", name_of(kind), event.args[4]);
  if (kind == TrapKind::cpuid && !cpuid_can_fault()) {
    return "cpuid, which the recording saw because it faulted there: this processor cannot make it fault "
           "(arch_prctl(2), "
           "ARCH_SET_CPUID)";
  }
  return std::string(name_of(kind));
}

// Nothing stands for it yet, and its code may be about to be written.
void run_to_instruction(Replayer& replayer, ReplayTask& task, const Event& event) {
  if (!set_breakpoint(task.stopped(), event.args[4])) {
    fail("event {}: {} of task {} at {:#x} needs a processor breakpoint, and this machine gives none",
         event.number, describe_event(event), task.tid, event.args[4]);
  }
  // The task may stand there already, stopped by the same means: then the resume flag would lead it past.
  if (task.position == ReplayTask::Position::user) {
    Registers registers = task.stopped().registers();
    registers.eflags &= ~flag_resume;
    replayer.set_registers(task, registers);
  }
  replayer.advance(task, event);
  clear_breakpoint(task.stopped());
}

}  // namespace

void replay_signal(Replayer& replayer, ReplayTask& task, const Event& event) {
  const Extra& extra = *event.extra;
  if (extra.point == SignalPoint::fault) {
    replayer.advance(task, event);
    check_fault(task, event);
  } else if (extra.point == SignalPoint::before_call && extra.action == SignalAction::handler) {
    replayer.advance(task, event);
    check_before_call(task, event);
  }
  if (extra.action != SignalAction::handler || !extra.after) return;
  if (extra.point == SignalPoint::fault) check_registers(task, event, task.registers);
  replayer.write_outputs(task, event);
  if (!extra.xstate.empty()) replayer.set_xstate(task, extra.xstate);
  replayer.set_registers(task, *extra.after);
}

void replay_trap(Replayer& replayer, ReplayTask& task, const Event& event) {
  if ((event.flags & event_found_when_run) != 0) {
    run_to_instruction(replayer, task, event);
  } else {
    replayer.advance(task, event);
  }
  const auto kind = trap_kind(event.nr);
  if (!kind)
    fail("the trace is damaged: event {} is of an instruction with the number {}", event.number, event.nr);
  if (!stands_at_trap(task, event, *kind))
    diverge(event, task, expected_trap(event, *kind), describe_position(task));
  Registers registers = task.registers;
  if (event.args[4] != 0) registers.rip = event.args[4];
  apply_trapped(&registers, *kind, event.args, static_cast<std::uint64_t>(event.result));
  replayer.write_outputs(task, event);
  replayer.set_registers(task, registers);
}

}  // namespace rec

#include "recorder/traps.h"

#include <sys/syscall.h>

#include <cstring>

#include "format/base/error.h"
#include "recorder/held_code.h"
#include "recorder/session.h"
#include "recorder/tracing.h"
#include "tracee/agent_area.h"
#include "tracee/remote_call.h"
#include "tracee/trapped_instruction.h"

namespace rec {
namespace {

constexpr std::uint64_t handler_default = 0;
constexpr std::uint64_t handler_ignore = 1;
constexpr std::byte int3{0xcc};

// XINUSE, what xgetbv yields for ECX 1 (Intel SDM, XGETBV): the parts of the state that are not in their
// initial configuration. The kernel hands it out as the header of the XSAVE area, behind the legacy area of
// 512 bytes.
TrapArguments state_in_use(const Stopped& stopped, const Registers& registers) {
  const std::vector<std::byte> state = stopped.xstate();
  std::uint64_t in_use = 0;
  if (state.size() >= 520) std::memcpy(&in_use, state.data() + 512, sizeof in_use);
  return {in_use & 0xffffffff, registers.rbx, registers.rcx, in_use >> 32};
}

void append_trap(Session& session, Task& task, TrapKind kind, const TrapArguments& args, std::uint64_t length,
                 Registers after, DataBuffer& data, std::uint16_t flags = 0) {
  session.append({.tid = task.tid,
                  .kind = EventKind::trap,
                  .flags = flags,
                  .nr = static_cast<std::int32_t>(kind),
                  .args = args,
                  .result = static_cast<std::int64_t>(length),
                  .data = data.data()});
  if (kind == TrapKind::rdtsc) session.agents().after_counter(task, after);
  task.left_with = after;
  if (!stop_after_step(session, task)) session.resume_user(task);
}

// General protection faults have no address and this code (arch/x86/kernel/traps.c).
bool handle_fault(Session& session, Task& task) {
  const Stopped stopped(task.tid);
  Registers registers = stopped.registers();
  const auto trapped = faulting_instruction_at(task.memory(), RemotePtr<>(registers.rip));
  if (!trapped) return false;
  const TrapArguments args = execute_trapped(*trapped, registers, session.options().cpu_baseline);
  apply_trapped(&registers, trapped->kind, args, trapped->length);
  stopped.set_registers(registers);
  restore_disposition(task, SIGSEGV);
  DataBuffer none;
  append_trap(session, task, trapped->kind, args, trapped->length, registers, none);
  return true;
}

// The instruction for which the int3 at `address` stands; the task is at it, or right behind the int3.
void carry_out(Session& session, Task& task, std::uint64_t address, std::uint16_t flags) {
  const Stopped stopped(task.tid);
  Registers registers = stopped.registers();
  PatchedCode& code = *task.process->code;
  const PatchedInstruction patched = code.at(address);
  registers.rip = address;
  DataBuffer data;
  if ((flags & event_found_when_run) != 0)
    data.add(Data::Role::output, RemotePtr<>(address), 0, 1, 1)[0] = int3;
  TrapArguments args{registers.rax, registers.rbx, registers.rcx, registers.rdx};
  std::uint64_t length = patched.instruction.length;
  const auto ecx = static_cast<std::uint32_t>(registers.rcx);
  if (patched.instruction.kind == TrapKind::xgetbv && ecx > 1) {
    // There is no such register: the processor shall say so itself.
    code.erase(address);
    task.memory().write_value(RemotePtr<>(address), patched.first_byte);
    data.add(Data::Role::output, RemotePtr<>(address), 0, 1, 1)[0] = patched.first_byte;
    length = 0;
  } else if (patched.instruction.kind == TrapKind::xgetbv && ecx == 1) {
    args = state_in_use(stopped, registers);
  } else {
    args = execute_trapped(patched.instruction, registers, session.options().cpu_baseline);
  }
  args[4] = address;
  apply_trapped(&registers, patched.instruction.kind, args, length);
  stopped.set_registers(registers);
  append_trap(session, task, patched.instruction.kind, args, length, registers, data, flags);
}

// An int3 reports the address behind it.
bool handle_int3(Session& session, Task& task) {
  const std::uint64_t address = Stopped(task.tid).registers().rip - 1;
  if (task.process->code->find(address) == task.process->code->end()) return false;
  restore_disposition(task, SIGTRAP);
  carry_out_trapped(session, task, address);
  return true;
}

}  // namespace

void carry_out_trapped(Session& session, Task& task, std::uint64_t address) {
  carry_out(session, task, address, 0);
}

void record_found_instruction(Session& session, Task& task, const TrappedInstruction& found) {
  const Stopped stopped(task.tid);
  Registers registers = stopped.registers();
  const std::uint64_t address = registers.rip;
  const auto first = task.memory().read(RemotePtr<std::byte>(address));
  ENSURE(first.has_value(), "code at {:#x}", address);
  task.memory().write_value(RemotePtr<>(address), int3);
  task.process->code->insert_or_assign(address, PatchedInstruction{found, *first});
  carry_out(session, task, address, event_found_when_run);
}

// force_sig (kernel/signal.c) resets the handler of a blocked or ignored signal to the default and unblocks
// it before the tracer can see the fault; for an instruction that rec made fault, both are put back.
void restore_disposition(Task& task, int signal) {
  const KernelSigaction& action = task.process->actions.at(static_cast<std::size_t>(signal));
  const std::uint64_t bit = std::uint64_t{1} << (signal - 1);
  const bool blocked = (task.signal_mask & bit) != 0;
  if (!blocked && action.handler != handler_ignore) return;
  const Stopped stopped(task.tid);
  if (action.handler != handler_default) {
    RemoteCalls calls(stopped, agent_area::syscall_instruction);
    task.memory().write_value(RemotePtr<>(agent_area::data), action);
    calls.must("rt_sigaction after a trapped instruction", SYS_rt_sigaction,
               {static_cast<std::uint64_t>(signal), agent_area::data, 0, 8});
  }
  if (blocked) stopped.set_signal_mask(stopped.signal_mask() | bit);
}

void hide_trap_flag(const Stopped& stopped) {
  Registers registers = stopped.registers();
  if ((registers.eflags & flag_trap) == 0) return;
  registers.eflags &= ~flag_trap;
  stopped.set_registers(registers);
}

bool handle_trap(Session& session, Task& task, const siginfo_t& info) {
  if (handle_held_code(session, task, info)) return true;
  if (info.si_code != SI_KERNEL) return false;
  if (info.si_signo == SIGSEGV) return handle_fault(session, task);
  return info.si_signo == SIGTRAP && handle_int3(session, task);
}

}  // namespace rec

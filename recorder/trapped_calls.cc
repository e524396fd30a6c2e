// Calls under a filter that was there before the program, a container's say: what that refuses never comes to
// an event stop of rec's filter, but SECCOMP_RET_TRAP outranks it (tracee/filter.h, FilterStop::signal).
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "recorder/session.h"
#include "recorder/traps.h"
#include "tracee/agent_area.h"
#include "tracee/filter.h"

namespace rec {

bool Session::is_trapped_call(const Task& task, const WaitStatus& status) const {
  const auto* stop = std::get_if<SignalStop>(&status);
  if (!traps_calls_ || stop == nullptr || stop->signal != SIGSYS) return false;
  const siginfo_t info = Stopped(task.tid).siginfo();
  // Calls that another filter traps come, for the kernel, from rec's own instruction.
  return info.si_code == by_filter &&
         reinterpret_cast<std::uint64_t>(info.si_call_addr) != agent_area::after_syscall_instruction;
}

// rec's own filter has called the call off and raised SIGSYS in its place. Now it is made again, with a stop
// at its entry, after which the other filters decide about it.
void Session::on_trapped_call(Task& task) {
  const Stopped stopped(task.tid);
  restore_disposition(task, SIGSYS);
  Registers registers = stopped.registers();
  if (agents_.left_vdso(task, registers.rip)) {
    resume_user(task);
    return;
  }
  registers.rip -= 2;  // `syscall` or `int $0x80`
  registers.orig_rax = ~std::uint64_t{0};
  stopped.set_registers(registers);
  const std::uint64_t mask = stopped.signal_mask();
  stopped.set_signal_mask(~std::uint64_t{0});  // as RemoteCalls does
  bool was_stopped = false;
  for (std::optional<WaitStatus> status; !status || !std::holds_alternative<SyscallStop>(*status);) {
    (void)Stopped(task.tid).resume(Resume::syscall);
    status = wait_stop(task.tid);
    was_stopped = was_stopped || std::holds_alternative<SignalStop>(*status);  // SIGSTOP, whatever the mask
  }
  stopped.set_signal_mask(mask);
  if (was_stopped) ::syscall(SYS_tkill, task.tid.value(), SIGSTOP);
  on_entry_stop(task);
}

// rec's filter lets the call pass then: filters look at the registers after the entry stop
// (kernel/entry/common.c).
void Session::hide_call_site(Task& task) {
  if (task.behind_call) return;
  const Stopped stopped(task.tid);
  Registers registers = stopped.registers();
  task.behind_call = std::exchange(registers.rip, agent_area::after_syscall_instruction);
  stopped.set_registers(registers);
}

// At the call's exit. An exec and a return from a handler have set the instruction pointer themselves.
void Session::restore_call_site(Task& task) {
  const auto behind_call = std::exchange(task.behind_call, std::nullopt);
  if (!behind_call) return;
  const Stopped stopped(task.tid);
  Registers registers = stopped.registers();
  if (registers.rip != agent_area::after_syscall_instruction) return;
  registers.rip = *behind_call;
  stopped.set_registers(registers);
}

}  // namespace rec

#include "tracee/remote_call.h"

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "format/base/error.h"
#include "tracee/agent_area.h"
#include "tracee/wait_status.h"

namespace rec {
RemoteCalls::RemoteCalls(const Stopped& task, std::uint64_t instruction)
    : task_(task), instruction_(instruction), saved_(task.registers()), saved_mask_(task.signal_mask()) {
  // Signals wait until the scope ends: one that came in between would be delivered to code that is not the
  // program's.
  task_.set_signal_mask(~std::uint64_t{0});
}

RemoteCalls::~RemoteCalls() {
  try {
    // Outside of a call: otherwise the kernel could take a restart code in rax as its own and rewind rip.
    saved_.orig_rax = ~std::uint64_t{0};
    task_.set_registers(saved_);
    task_.set_signal_mask(saved_mask_);
    // It stops the whole process, whichever of its tasks gets it (signal(7)).
    if (was_stopped_) ::syscall(SYS_tkill, task_.tid().value(), SIGSTOP);
  } catch (const TaskGone&) {
    // It was killed; its wait status will tell.
  } catch (const Error&) {
    // A dying task answers some requests with other errors than ESRCH; the session will see its end.
  }
}

void RemoteCalls::resume() {
  Stopped stopped(task_.tid());
  (void)std::move(stopped).resume(Resume::syscall);
}

// From one system-call stop to the next. (Stepping would do with fewer stops, but its SIGTRAP is a forced
// one: blocked or ignored, it would reset the program's own handling of SIGTRAP; kernel/signal.c,
// force_sig_info_to_task.)
void RemoteCalls::run_to_syscall_stop() {
  resume();
  for (;;) {
    const WaitStatus status = wait_until_stopped(task_.tid());
    if (is_dying(status)) throw TaskGone{task_.tid(), status};
    if (std::holds_alternative<SyscallStop>(status)) return;
    if (const auto* event = std::get_if<PtraceEvent>(&status)) {
      if (event->event == PTRACE_EVENT_FORK || event->event == PTRACE_EVENT_VFORK ||
          event->event == PTRACE_EVENT_CLONE) {
        created_ = Tid(static_cast<std::int32_t>(task_.event_message()));
        (void)wait_until_stopped(*created_);
      }
    } else if (const auto* stop = std::get_if<SignalStop>(&status)) {
      ENSURE(stop->signal == SIGSTOP, "task {} got signal {} in a call that rec made in it", task_.tid(),
             stop->signal);
      was_stopped_ = true;  // taken away from it by resuming without
    }
    resume();
  }
}

// Filters run after this stop, with the registers as they are then (kernel/entry/common.c).
void RemoteCalls::pass_filter() {
  Registers registers = task_.registers();
  registers.rip = agent_area::after_syscall_instruction;
  task_.set_registers(registers);
}

std::int64_t RemoteCalls::call(std::int64_t nr, std::initializer_list<std::uint64_t> args) {
  Registers registers = saved_;
  std::array<std::uint64_t, 6> all{};
  std::size_t i = 0;
  for (const std::uint64_t arg : args) all.at(i++) = arg;
  registers.set_arguments(all);
  registers.rax = static_cast<std::uint64_t>(nr);
  registers.orig_rax = ~std::uint64_t{0};
  registers.rip = instruction_;
  created_.reset();
  task_.set_registers(registers);
  // The way out of an emulated call's entry stop leads through that call's exit stop first: only an exit
  // after an entry at our instruction is ours.
  bool entered = false;
  for (;;) {
    run_to_syscall_stop();
    const auto info = task_.call_info();
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
      ENSURE(info.instruction_pointer == instruction_ + 2, "a call made in task {} came from {:#x}",
             task_.tid(), info.instruction_pointer);
      entered = true;
      if (instruction_ != agent_area::syscall_instruction) pass_filter();
    } else if (entered) {
      return info.exit.rval;
    }
  }
}

std::uint64_t RemoteCalls::must(const char* what, std::int64_t nr,
                                std::initializer_list<std::uint64_t> args) {
  const std::int64_t result = call(nr, args);
  if (is_error(result)) {
    fail_with_errno(fmt::format("{} in task {}", what, task_.tid()), static_cast<int>(-result));
  }
  return static_cast<std::uint64_t>(result);
}

}  // namespace rec

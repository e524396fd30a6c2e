#include "tracee/remote_call.h"

#include <sys/ptrace.h>

#include <cerrno>

#include "format/base/error.h"
#include "tracee/wait_status.h"

namespace rec {
namespace {

WaitResult wait_until_stopped(Tid tid) {
  for (;;) {
    const auto result = wait_for(tid, WaitMode::block);
    if (result) return *result;
    if (errno == ECHILD) throw TaskGone{tid};
  }
}

}  // namespace

RemoteCalls::RemoteCalls(const Stopped& task, std::uint64_t instruction)
    : task_(task), instruction_(instruction), saved_(task.registers()), saved_mask_(task.signal_mask()) {
  // Signals wait until the scope ends: one that came in between would be delivered to code that is not the program's.
  task_.set_signal_mask(~std::uint64_t{0});
}

RemoteCalls::~RemoteCalls() {
  try {
    // Outside of a call: otherwise the kernel could take a restart code in rax as its own and rewind rip.
    saved_.orig_rax = ~std::uint64_t{0};
    task_.set_registers(saved_);
    task_.set_signal_mask(saved_mask_);
  } catch (const TaskGone&) {
    // It was killed; its wait status will tell.
  } catch (const Error&) {
    // A dying task answers some requests with other errors than ESRCH; the session will see its end.
  }
}

void RemoteCalls::step() {
  Stopped stepping(task_.tid());
  (void)std::move(stepping).resume(Resume::step);
  for (;;) {
    const WaitResult result = wait_until_stopped(task_.tid());
    if (const auto* event = std::get_if<PtraceEvent>(&result.status)) {
      if (event->event == PTRACE_EVENT_FORK || event->event == PTRACE_EVENT_VFORK ||
          event->event == PTRACE_EVENT_CLONE) {
        created_ = Tid(static_cast<std::int32_t>(task_.event_message()));
        (void)wait_until_stopped(*created_);
      } else if (event->event == PTRACE_EVENT_EXIT) {
        throw TaskGone{task_.tid(), result.status};
      }
    } else if (const auto* stop = std::get_if<SignalStop>(&result.status)) {
      if (stop->signal == SIGTRAP) return;
      ENSURE(false, "task {} got signal {} in a call that rec made in it", task_.tid(), stop->signal);
    } else if (!std::holds_alternative<GroupStop>(result.status) &&
               !std::holds_alternative<SyscallStop>(result.status)) {
      throw TaskGone{task_.tid(), result.status};
    }
    Stopped again(task_.tid());
    (void)std::move(again).resume(Resume::step);
  }
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
  // The first step out of an emulated call's entry stop, or of a signal-delivery stop, ends before any instruction
  // (arch/x86/kernel/step.c, SYSCALL_EXIT_TRAP): step until the instruction pointer has moved.
  for (int tries = 0; tries < 4; ++tries) {
    step();
    const Registers now = task_.registers();
    if (now.rip == instruction_ + 2) return now.result();
    ENSURE(now.rip == instruction_, "a call made in task {} went to {:#x}", task_.tid(), now.rip);
  }
  broken(__FILE__, __LINE__, "the call to be made within 4 steps", fmt::format("task {}, call {}", task_.tid(), nr));
}

std::uint64_t RemoteCalls::must(const char* what, std::int64_t nr, std::initializer_list<std::uint64_t> args) {
  const std::int64_t result = call(nr, args);
  if (result < 0 && result > -4096) {
    fail_with_errno(fmt::format("{} in task {}", what, task_.tid()), static_cast<int>(-result));
  }
  return static_cast<std::uint64_t>(result);
}

}  // namespace rec

#include <asm/prctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <algorithm>

#include "format/base/error.h"
#include "replayer/divergence.h"
#include "replayer/special/special.h"
#include "tracee/agent_area.h"
#include "tracee/cpuid_faulting.h"
#include "tracee/remote_call.h"

namespace rec::special {
namespace {

// How much of a stack is there from the start: all that it may ever grow to, if that is not absurdly much.
// The kernel grows a stack when the program touches it; what rec writes below it (a signal frame) would not
// do that.
constexpr std::uint64_t largest_stack = 64 << 20;

Mapping whole_stack(const Mapping& recorded, std::uint64_t limit) {
  Mapping mapping = recorded;
  const std::uint64_t size = page_down(std::min(limit, largest_stack));
  const std::uint64_t start = recorded.end.address() - std::min(size, recorded.end.address());
  mapping.start = RemotePtr<>(std::min(start, recorded.start.address()));
  return mapping;
}

// Below what is mapped from the start, the kernel itself lets the stack grow. (The hard limit of whoever
// replays stands.)
void limit_growth(const ReplayTask& task, std::uint64_t limit) {
  rlimit now{};
  if (::prlimit(task.real_tid.value(), RLIMIT_STACK, nullptr, &now) != 0) return;
  now.rlim_cur = std::min<std::uint64_t>(limit, now.rlim_max);
  ::prlimit(task.real_tid.value(), RLIMIT_STACK, &now, nullptr);
}

// As it was when recording. A processor that cannot is no hindrance as long as no such cpuid is met:
// replay_trap tells.
void make_cpuid_fault(const ReplayTask& task) {
  const Stopped stopped = task.stopped();
  RemoteCalls calls(stopped, agent_area::syscall_instruction);
  (void)calls.call(SYS_arch_prctl, {ARCH_SET_CPUID, 0});
}

}  // namespace

void limit_stack(const ReplayTask& task, std::uint64_t limit) {
  AddressSpace& space = *task.space;
  limit_growth(task, limit);
  if (space.stack_end == 0) return;
  const std::uint64_t size = page_down(std::min(limit, largest_stack));
  // What is in use stays: the limit is about growing only.
  const std::uint64_t start =
      std::min(space.stack_end - std::min(size, space.stack_end), page_down(task.registers.rsp));
  const Stopped stopped = task.stopped();
  RemoteCalls calls(stopped, agent_area::syscall_instruction);
  if (start > space.stack_start) {
    calls.must("munmap of the stack", SYS_munmap, {space.stack_start, start - space.stack_start});
  } else if (start < space.stack_start) {
    // Not over a mapping that came to be there meanwhile: the stack ends above that.
    const std::uint64_t flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_STACK | MAP_FIXED_NOREPLACE;
    const std::int64_t got = calls.call(
        SYS_mmap, {start, space.stack_start - start, PROT_READ | PROT_WRITE, flags, ~std::uint64_t{0}, 0});
    if (got < 0 && got > -4096) return;
  }
  space.stack_start = start;
}

void replay_exec(Replayer& replayer, ReplayTask& task, const Event& event) {
  const Extra& extra = *event.extra;
  ReplayTask* calling = &task;
  if (extra.former_tid.value() != 0 && extra.former_tid != event.tid)
    calling = &replayer.task(extra.former_tid, event);
  replayer.advance(*calling, event);
  if (calling->position != ReplayTask::Position::at_entry) {
    diverge(event, *calling, "an execve", describe_position(*calling));
  }
  replayer.kill(task);
  if (calling != &task) {
    replayer.kill(*calling);
    replayer.remove(extra.former_tid);
  }
  task.real_tid = replayer.new_process();
  task.pid = extra.pid;
  task.slot = 0;
  task.space = std::make_shared<AddressSpace>(AddressSpace{.heap_end = event.args[5]});
  replayer.change_domain(task, extra.domain);
  std::vector<Mapping> mappings = extra.mappings;
  for (Mapping& mapping : mappings) {
    if (mapping.kind != Mapping::Kind::stack) continue;
    mapping = whole_stack(mapping, extra.stack_limit);
    task.space->stack_start = mapping.start.address();
    task.space->stack_end = mapping.end.address();
    limit_growth(task, extra.stack_limit);
  }
  place_mappings(replayer, task, mappings);
  if ((event.flags & event_cpuid_faults) != 0) make_cpuid_fault(task);
  replayer.write_outputs(task, event);
  if (!extra.xstate.empty()) replayer.set_xstate(task, extra.xstate);
  replayer.set_registers(task, *extra.after);
}

}  // namespace rec::special

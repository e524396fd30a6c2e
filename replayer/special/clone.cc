#include <sched.h>

#include <sys/syscall.h>
#include <csignal>

#include "format/base/error.h"
#include "replayer/agent.h"
#include "replayer/divergence.h"
#include "replayer/special/special.h"
#include "tracee/agent_area.h"
#include "tracee/remote_call.h"

namespace rec::special {
namespace {

// Threads become processes that share memory: the kernel then keeps no group of them that could end, stop or
// execute together. All are children of rec (CLONE_PARENT), which reaps them.
Tid clone_real(const ReplayTask& parent, bool share_memory) {
  const Stopped stopped = parent.stopped();
  RemoteCalls calls(stopped, agent_area::syscall_instruction);
  const std::uint64_t flags = CLONE_PARENT | SIGCHLD | (share_memory ? CLONE_VM : 0);
  calls.must("clone for the replay", SYS_clone, {flags, 0, 0, 0, 0});
  ENSURE(calls.created().has_value(), "no new task seen");
  return *calls.created();
}

void check_makes_task(const ReplayTask& parent, const Event& event) {
  using syscalls::Special;
  const syscalls::Syscall* entry = parent.position == ReplayTask::Position::at_entry
                                       ? syscalls::find(static_cast<std::int64_t>(parent.registers.orig_rax))
                                       : nullptr;
  const Special special = entry != nullptr ? entry->special : Special::none;
  if (special != Special::fork && special != Special::vfork && special != Special::clone &&
      special != Special::clone3) {
    diverge(event, parent, "its parent is inside a call that makes a task", describe_position(parent));
  }
}

}  // namespace

void replay_start(Replayer& replayer, const Event& event) {
  const Extra& extra = *event.extra;
  ReplayTask& parent = replayer.task(extra.parent, event);
  replayer.advance(parent, event);
  check_makes_task(parent, event);
  const bool share_memory = (extra.clone_flags & CLONE_VM) != 0;
  ReplayTask& child = replayer.add_task(event.tid, clone_real(parent, share_memory));
  child.pid = extra.pid;
  child.domain = extra.domain;
  child.space = share_memory ? parent.space : std::make_shared<AddressSpace>(*parent.space);
  replay_agent::adopt(child, *extra.after);
  for (const Data& data : event.data) {
    const ReplayTask& owner = data.argument == 0 ? child : parent;
    owner.memory().write(data.address, data.bytes);
  }
  replayer.set_registers(child, *extra.after);
}

}  // namespace rec::special

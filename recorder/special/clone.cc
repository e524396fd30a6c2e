// New tasks. The kernel tells of one while its parent is inside the call; the child's first stop may come
// before.
#include <sched.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <optional>

#include "format/base/error.h"
#include "recorder/special/special.h"
#include "recorder/tracing.h"
#include "tracee/task_state.h"

namespace rec::special {
namespace {

struct CloneRequest {
  std::uint64_t flags = 0;
  std::uint64_t parent_tid = 0;
  std::uint64_t child_tid = 0;
  std::uint64_t exit_signal = SIGCHLD;
};

// The start of struct clone_args (linux/sched.h), as far as it matters here.
struct CloneArgs {
  std::uint64_t flags, pidfd, child_tid, parent_tid, exit_signal;
};

CloneRequest read_request(const Task& task) {
  const auto& args = task.call.call.args;
  const syscalls::Special special = task.call.policy.special;
  if (special == syscalls::Special::vfork) return {.flags = CLONE_VM | CLONE_VFORK};
  if (special == syscalls::Special::clone)
    return {.flags = args[0], .parent_tid = args[2], .child_tid = args[3], .exit_signal = args[0] & CSIGNAL};
  if (special != syscalls::Special::clone3) return {};
  const auto wanted = task.memory().read(RemotePtr<CloneArgs>(args[0]));
  ENSURE(wanted.has_value(), "clone3 of task {} succeeded with unreadable arguments", task.tid);
  return {.flags = wanted->flags,
          .parent_tid = wanted->parent_tid,
          .child_tid = wanted->child_tid,
          .exit_signal = wanted->exit_signal};
}

void add_tid_word(DataBuffer& data, const RemoteMemory& memory, std::uint64_t address, std::uint8_t which) {
  const auto room = data.add(Data::Role::output, RemotePtr<>(address), which, 4, 4);
  data.shrink_last(memory.read_some(RemotePtr<>(address), room));
}

// At the new task's first stop: its registers. nullopt: it was killed before that, and is as if it had never
// been.
std::optional<Registers> take_over(Session& session, const Task& parent, Tid child) {
  try {
    session.take_first_stop(child);
    show_clone_flags(parent, RemoteMemory(child));
    const Stopped stopped(child);
    Registers registers = stopped.registers();
    if (parent.behind_call) {  // it has the pointer that its parent's call was made with
      registers.rip = *parent.behind_call;
      stopped.set_registers(registers);
    }
    return registers;
  } catch (const TaskGone& gone) {
    if (gone.tid != child) throw;
    if (gone.seen) session.dispatch({child, *gone.seen});
    return std::nullopt;
  }
}

// The task and, unless it is a thread, its process come to be known; it waits for its turn, or stops for its
// tracer. The flags that it was made with; nullopt: it is gone already.
std::optional<std::uint64_t> adopt(Session& session, Task& parent, Tid child_tid) {
  show_clone_flags(parent, parent.memory());
  session.trace_with(child_tid, parent);
  const std::optional<Registers> first = take_over(session, parent, child_tid);
  if (!first) {
    session.forget_tracer(child_tid);
    return std::nullopt;
  }
  const CloneRequest request = read_request(parent);
  parent.call.exit_signal = static_cast<int>(request.exit_signal);
  std::shared_ptr<Process> process = parent.process;
  if ((request.flags & CLONE_THREAD) == 0) {
    process = std::make_shared<Process>(*parent.process);
    process->pid = Pid(child_tid.value());
    process->domain = nullptr;
    process->tasks = 0;
    process->parent_waits = (request.flags & CLONE_VFORK) != 0;
    process->unused_scratch.clear();
    if ((request.flags & CLONE_VM) == 0) process->scratch_end = agent::scratch_address;
    process->pages_at_last_point.clear();
    process->looks_at_changes = 0;
    process->traced_ends.clear();
    process->child_signals.clear();
    process->was_traced = false;
    process->has_our_numbers.reset();
    if ((request.flags & CLONE_PARENT) == 0) {
      process->parent = parent.process->pid;
      process->maker = parent.tid;
    }
    if ((request.flags & CLONE_VM) == 0) {
      process->code = std::make_shared<PatchedCode>(*parent.process->code);
      process->held = std::make_shared<HeldCode>(*parent.process->held);
      process->agent = std::make_shared<AgentState>(*parent.process->agent);
      process->aio = std::make_shared<AioContexts>();  // a child has none (kernel/fork.c, mm_init)
    }
    process->descriptors = 0;
    // Each can open and close what the other has: nothing can be known about a descriptor for long.
    if ((request.flags & CLONE_FILES) != 0) {
      parent.process->shares_descriptors = process->shares_descriptors = true;
      Agents::forget_descriptors(*parent.process);
    }
    const bool shares = (request.flags & CLONE_VM) != 0 || session.shares_with_children(*parent.process);
    session.move_to_domain(*process, shares ? parent.process->domain : session.new_domain());
    session.inherit_shares(*parent.process, *process);
  }
  Task& child = session.add_task(child_tid, process);
  child.signal_mask = parent.signal_mask;
  child.counter_traps = parent.counter_traps;
  child.clear_tid = (request.flags & CLONE_CHILD_CLEARTID) != 0 ? request.child_tid : 0;
  trace_child(parent, child, request.flags);
  Extra extra;
  extra.parent = parent.tid;
  extra.pid = process->pid;
  extra.domain = process->domain->id;
  extra.clone_flags = request.flags;
  extra.after = first;
  DataBuffer data;
  try {
    session.agents().adopt(child, *parent.process);
    extra.after = Stopped(child_tid).registers();
    if ((request.flags & CLONE_CHILD_SETTID) != 0) add_tid_word(data, child.memory(), request.child_tid, 0);
    if ((request.flags & CLONE_PARENT_SETTID) != 0)
      add_tid_word(data, parent.memory(), request.parent_tid, 1);
  } catch (const TaskGone&) {
    // One of the two was killed meanwhile: its own end will tell; none of its code runs any more.
  }
  session.append({.tid = child_tid, .kind = EventKind::start, .data = data.data(), .extra = &extra});
  if ((request.flags & CLONE_VFORK) != 0) parent.call.blocks = true;  // until the child executes or exits
  place_child(session, child);
  return request.flags;
}

}  // namespace

bool makes_tasks(const PendingCall& call) {
  using syscalls::Special;
  const Special special = call.policy.special;
  return special == Special::fork || special == Special::vfork || special == Special::clone ||
         special == Special::clone3;
}

void on_created(Session& session, Task& parent, Tid child) {
  const auto flags = adopt(session, parent, child);
  if (!flags || !stop_for_child(session, parent, child, *flags)) session.resume_call(parent);
}

void adopt_untold_children(Session& session, Task& parent) {
  if (parent.position != Task::Position::call || !makes_tasks(parent.call)) return;
  std::ifstream children(fmt::format("/proc/{0}/task/{0}/children", parent.tid));
  for (std::int32_t child = 0; children >> child;) {
    const char state = task_state(Tid(child));
    const bool has_ended = state == 'Z' || state == 'X' || state == 0;  // known until then, perhaps
    if (!has_ended && session.find(Tid(child)) == nullptr) (void)adopt(session, parent, Tid(child));
  }
}

}  // namespace rec::special

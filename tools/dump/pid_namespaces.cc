#include "tools/dump/pid_namespaces.h"

#include <sched.h>

#include <iterator>

#include "format/syscalls/table.h"

namespace rec::dump {

using syscalls::Effect;

void PidNamespaces::add(const Event& event) {
  if (event.kind == EventKind::start) return on_start(event);
  if (event.kind == EventKind::call && event.result >= 0) return on_call(event);
  if (event.kind != EventKind::exit) return;
  tasks_.erase(event.tid);
  std::erase_if(numbers_, [&](const auto& number) { return number.second == event.tid; });
}

void PidNamespaces::on_start(const Event& event) {
  if (event.extra == nullptr) return;
  Task task{.pid = event.extra->pid, .own = 0, .of_children = 0, .last_child = {}};
  const auto parent = tasks_.find(event.extra->parent);
  if (parent != tasks_.end()) {
    const std::uint64_t flags = event.extra->clone_flags;
    const bool is_thread = (flags & CLONE_THREAD) != 0;
    task.own = is_thread ? parent->second.own : parent->second.of_children;
    if ((flags & CLONE_NEWPID) != 0) task.own = ++namespaces_;
    parent->second.last_child = event.tid;
  }
  task.of_children = task.own;
  tasks_[event.tid] = task;
}

void PidNamespaces::on_call(const Event& event) {
  const auto task = tasks_.find(event.tid);
  if (task == tasks_.end()) return;
  const auto result = static_cast<std::int32_t>(event.result);
  const auto note = [&](Tid means) { numbers_[{task->second.own, result}] = means; };
  const syscalls::Syscall* call = syscalls::find(event.nr);
  if (call == nullptr) return;
  const bool is_apart = task->second.own != 0;
  switch (call->effect) {
    case Effect::unshares:
      if ((event.args[0] & CLONE_NEWPID) != 0) task->second.of_children = ++namespaces_;
      return;
    case Effect::tells_process:
      if (is_apart) note(Tid(task->second.pid.value()));
      return;
    case Effect::tells_thread:
      if (is_apart) note(event.tid);
      return;
    case Effect::makes_task:
      if (is_apart && task->second.last_child != Tid{}) note(task->second.last_child);
      return;
    case Effect::none:
    case Effect::changes_names:
    case Effect::changes_last_name:
    case Effect::closes:
    case Effect::closes_range:
    case Effect::controls_descriptor:
    case Effect::enters_path:
    case Effect::enters_descriptor:
      return;
  }
}

std::optional<Tid> PidNamespaces::outer(Tid asker, std::int32_t number) const {
  const auto task = tasks_.find(asker);
  if (task == tasks_.end() || task->second.own == 0) return std::nullopt;
  const auto found = numbers_.find({task->second.own, number});
  return found == numbers_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace rec::dump

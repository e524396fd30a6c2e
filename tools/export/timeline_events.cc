#include "tools/export/timeline_events.h"

#include <algorithm>

#include "format/syscalls/table.h"
#include "tools/call_names.h"
#include "tools/display.h"
#include "tools/process_tree.h"

namespace rec::exports {

void TimelineEvents::add(const Event& event) {
  dispatch(event);
  format_.after(event);
}

void TimelineEvents::dispatch(const Event& event) {
  switch (event.kind) {
    case EventKind::start:
      return on_start(event);
    case EventKind::exec:
      on_exec(event);
      break;
    case EventKind::exit:
      return on_exit(event);
    case EventKind::call:
      break;
    case EventKind::signal: {
      const auto task = alive_.find(event.tid);
      if (task != alive_.end()) format_.on_signal(task->second.task, event);
      return;
    }
    case EventKind::begin:
    case EventKind::trap:
    case EventKind::stop:
    case EventKind::merge:
    case EventKind::note:
    case EventKind::memory:
    case EventKind::agent:
    case EventKind::point:
    case EventKind::traced:
      return;
  }
  const auto task = alive_.find(event.tid);
  if (task != alive_.end()) on_call(event, task->second);
}

void TimelineEvents::on_call(const Event& event, Alive& alive) {
  const syscalls::Syscall* entry = syscalls::find(event.nr);
  const std::string name = entry == nullptr ? call_name(event.nr) : std::string();
  // Calls of a sound trace follow each other; what a damaged one says must not nest.
  const std::uint64_t begin = std::max(event.enter_ns, alive.last_ns);
  alive.last_ns = std::max(begin, event.leave_ns);
  format_.on_call({.event = event,
                   .task = alive.task,
                   .name = entry == nullptr ? std::string_view(name) : entry->name,
                   .subsystem = entry == nullptr ? "unknown" : syscalls::subsystem_name(entry->subsystem),
                   .begin_ns = begin,
                   .end_ns = alive.last_ns});
}

void TimelineEvents::on_start(const Event& event) {
  if (event.extra == nullptr) return;
  Alive alive{.task = {.id = ++tasks_,
                       .tid = event.tid,
                       .pid = event.extra->pid,
                       .parent = 0,
                       .process = tasks_,
                       .began_ns = event.leave_ns,
                       .command = {},
                       .program = {}},
              .last_ns = event.leave_ns};
  const auto maker = alive_.find(event.extra->parent);
  if (maker != alive_.end()) {
    const TimelineTask& parent = maker->second.task;
    alive.task.parent = parent.id;
    alive.task.command = parent.command;
    alive.task.program = parent.program;
    if (event.tid.value() != event.extra->pid.value()) alive.task.process = parent.process;
  }
  Alive& kept = alive_[event.tid] = std::move(alive);
  format_.on_task(kept.task);
}

void TimelineEvents::on_exec(const Event& event) {
  if (event.extra != nullptr && event.extra->former_tid != Tid{} && event.extra->former_tid != event.tid) {
    // The thread goes on under its process's number; the leader is gone.
    const auto former = alive_.extract(event.extra->former_tid);
    const auto leader = alive_.find(event.tid);
    if (leader == alive_.end() && !former.empty()) {
      alive_[event.tid] = former.mapped();
      alive_[event.tid].task.tid = event.tid;
    }
  }
  const auto task = alive_.find(event.tid);
  if (task == alive_.end()) return;
  std::vector<std::string> words = argument_strings(event);
  if (words.empty() && event.extra != nullptr) words = {event.extra->text};
  TimelineTask& executing = task->second.task;
  executing.command = shell_quoted(words);
  executing.program = printable(words.empty() ? std::string_view() : std::string_view(words.front()));
  executing.program.erase(0, executing.program.find_last_of('/') + 1);  // npos + 1 is 0
  format_.on_command(executing);
}

void TimelineEvents::on_exit(const Event& event) {
  const auto task = alive_.find(event.tid);
  if (task == alive_.end()) return;
  const std::uint64_t time = std::max(event.leave_ns, task->second.last_ns);
  format_.on_exit(task->second.task, time, static_cast<std::int32_t>(event.result));
  alive_.erase(task);
}

}  // namespace rec::exports

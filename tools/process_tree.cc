#include "tools/process_tree.h"

#include <sys/syscall.h>

#include "tools/dump/event_memory.h"

namespace rec {

void ProcessTree::add(const Event& event) {
  switch (event.kind) {
    case EventKind::start:
      return on_start(event);
    case EventKind::exec:
      return on_exec(event);
    case EventKind::exit:
      return on_exit(event);
    case EventKind::call:
    case EventKind::begin:
    case EventKind::signal:
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
}

void ProcessTree::on_start(const Event& event) {
  if (event.extra == nullptr) return;
  const auto maker = process_of_task_.find(event.extra->parent);
  // A thread: the first task of a process has the process's number.
  if (event.tid.value() != event.extra->pid.value() && maker != process_of_task_.end()) {
    process_of_task_[event.tid] = maker->second;
    ++processes_[maker->second].threads;
    return;
  }
  RecordedProcess process;
  process.pid = event.extra->pid;
  process.threads = 1;
  const std::size_t place = processes_.size();
  if (maker != process_of_task_.end()) {
    process.parent = maker->second;
    process.command = processes_[maker->second].command;
    processes_[maker->second].children.push_back(place);
  }
  processes_.push_back(std::move(process));
  process_of_task_[event.tid] = place;
}

void ProcessTree::on_exec(const Event& event) {
  // A thread that executes a program goes on under the number of its process's first task, which may have
  // ended before (ptrace(2), "execve(2) under ptrace").
  if (event.extra != nullptr) {
    const auto former = process_of_task_.extract(event.extra->former_tid);
    if (!former.empty()) process_of_task_[event.tid] = former.mapped();
  }
  const auto task = process_of_task_.find(event.tid);
  if (task == process_of_task_.end()) return;
  RecordedProcess& process = processes_[task->second];
  process.wait_status.reset();
  process.executed = true;
  process.command = argument_strings(event);
  // argv may be empty (execve(2), "Linux" under NOTES): then the executable has to do.
  if (process.command.empty() && event.extra != nullptr) process.command = {event.extra->text};
}

void ProcessTree::on_exit(const Event& event) {
  const auto task = process_of_task_.find(event.tid);
  if (task == process_of_task_.end()) return;
  RecordedProcess& process = processes_[task->second];
  // wait(2) reports what the group's leader ended with.
  if (event.tid.value() == process.pid.value()) process.wait_status = static_cast<std::int32_t>(event.result);
  process_of_task_.erase(task);
}

std::vector<std::string> argument_strings(const Event& exec) {
  constexpr std::size_t longest = 1 << 17;  // MAX_ARG_STRLEN, include/uapi/linux/binfmts.h
  const std::uint8_t argv_argument = exec.nr == SYS_execveat ? 2 : 1;
  const dump::EventMemory memory(exec.data, dump::Moment::before);
  std::vector<std::string> arguments;
  for (const Data& data : exec.data) {
    const RemotePtr<> argv(exec.args[argv_argument]);
    if (data.address != argv || data.argument != argv_argument || data.role != Data::Role::input) continue;
    for (std::uint64_t at = 0; at + sizeof(std::uint64_t) <= data.bytes.size(); at += sizeof(std::uint64_t)) {
      const auto pointer = memory.read(argv.plus_bytes(at).cast<std::uint64_t>());
      if (!pointer || *pointer == 0) break;
      arguments.push_back(memory.read_string(RemotePtr<>(*pointer), longest).value_or("…"));
    }
    if (data.bytes.size() < data.full_size) arguments.emplace_back("…");
    break;
  }
  return arguments;
}

}  // namespace rec

#include "replayer/divergence.h"

#include <cstring>

#include "format/syscalls/table.h"
#include "tracee/trapped_instruction.h"

namespace rec {
namespace {

std::string call_text(std::int64_t nr, const std::array<std::uint64_t, 6>& args) {
  const syscalls::Syscall* entry = syscalls::find(nr);
  std::string text = entry != nullptr ? std::string(entry->name) : fmt::format("system call {}", nr);
  text += '(';
  const std::size_t count = entry != nullptr ? entry->arg_count : args.size();
  for (std::size_t i = 0; i < count; ++i) text += fmt::format("{}{:#x}", i == 0 ? "" : ", ", args[i]);
  return text + ')';
}

std::string signal_name(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return name != nullptr ? fmt::format("SIG{}", name) : fmt::format("signal {}", signal);
}

std::string trap_text(const Event& event) {
  const auto kind = trap_kind(event.nr);
  return kind ? fmt::format("{} is answered", name_of(*kind)) : "an unknown instruction is answered";
}

}  // namespace

std::string describe_event(const Event& event) {
  switch (event.kind) {
    case EventKind::call:
      return fmt::format("{} = {}", call_text(event.nr, event.args), event.result);
    case EventKind::exec:
      return fmt::format("{} = 0 (executed ‘{}’)", call_text(event.nr, event.args),
                         event.extra != nullptr ? event.extra->text : "");
    case EventKind::start:
      return "the task is created";
    case EventKind::begin:
      return "the task takes its turn";
    case EventKind::signal:
      return fmt::format("{} is delivered", signal_name(event.nr));
    case EventKind::trap:
      return trap_text(event);
    case EventKind::stop:
      return event.nr == 0 ? "the task goes on"
                           : fmt::format("the task is stopped by {}", signal_name(event.nr));
    case EventKind::exit:
      return fmt::format("the task ends with wait status {:#x}", static_cast<std::uint64_t>(event.result));
    case EventKind::merge:
      return "two domains become one";
    case EventKind::note:
      return "a note";
    case EventKind::memory:
      return "the kernel writes memory while the task waits in a call";
    case EventKind::agent:
      return "rec puts its agent into the program";
    case EventKind::point:
      return fmt::format("the task is interrupted at {:#x}", event.args[1]);
    case EventKind::traced:
      return fmt::format("the task stops for its tracer, task {}, at {:#x}", event.args[0], event.args[2]);
  }
  return "an event of an unknown kind";
}

std::string describe_position(const ReplayTask& task) {
  switch (task.position) {
    case ReplayTask::Position::user:
      return fmt::format("it is in user code at {:#x}", task.registers.rip);
    case ReplayTask::Position::at_entry:
      return fmt::format(
          "it calls {} at {:#x}",
          call_text(static_cast<std::int64_t>(task.registers.orig_rax), task.registers.arguments()),
          task.registers.rip);
    case ReplayTask::Position::at_fault:
      return fmt::format("it raises {} (code {}, address {}) at {:#x}", signal_name(task.fault.si_signo),
                         task.fault.si_code, fmt::ptr(task.fault.si_addr), task.registers.rip);
    case ReplayTask::Position::at_point:
      return fmt::format("it is at the point at {:#x}", task.registers.rip);
    case ReplayTask::Position::ended:
      return "it has made its last call";
  }
  return "";
}

void diverge(const Event& event, const ReplayTask& task, const std::string& expected,
             const std::string& actual) {
  std::string text = fmt::format(
      "the replay diverges from the recording at event {}, task {}\n"
      "  recorded: {}\n"
      "  expected: {}\n"
      "  actual:   {}\n",
      event.number, task.tid, describe_event(event), expected, actual);
  text += fmt::format("  the last events of task {}:\n", task.tid);
  for (const Event& past : task.history.events()) {
    text += fmt::format("    event {}: {}\n", past.number, describe_event(past));
  }
  text +=
      "  This is a bug in rec. Please report it with this text, the trace file (it holds everything the "
      "program saw: "
      "look\n  before you share it), and the output of ‘rec info’ on it.";
  throw Divergence(text);
}

}  // namespace rec

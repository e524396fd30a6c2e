// System calls at replay: found where they were recorded, with the same arguments and inputs, and answered
// from the trace.
#include <linux/audit.h>
#include <sys/ptrace.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "format/base/error.h"
#include "format/syscalls/table.h"
#include "replayer/divergence.h"
#include "replayer/replayer.h"
#include "replayer/special/special.h"

namespace rec {
namespace {

// The first difference between what the program passes now and what it passed then.
void check_inputs(const ReplayTask& task, const Event& event) {
  const RemoteMemory memory = task.memory();
  std::vector<std::byte> now;
  for (const Data& data : event.data) {
    if (data.role == Data::Role::output) continue;
    now.resize(data.bytes.size());
    const bool read = memory.read_exact(data.address, now);
    if (read && std::equal(now.begin(), now.end(), data.bytes.begin())) continue;
    const auto [is, was] = std::mismatch(now.begin(), now.end(), data.bytes.begin());
    const auto at = static_cast<std::uint64_t>(is - now.begin());
    diverge(
        event, task, fmt::format("argument {} passes the same {} bytes", data.argument + 1, data.full_size),
        read ? fmt::format("byte {} (at {:#x}) is {:#04x}, it was {:#04x}", at, data.address.address() + at,
                           static_cast<unsigned>(*is), static_cast<unsigned>(*was))
             : fmt::format("nothing readable at {}", data.address));
  }
}

}  // namespace

void check_call(const ReplayTask& task, const Event& event) {
  if (task.position != ReplayTask::Position::at_entry) {
    diverge(event, task, "a system call", describe_position(task));
  }
  const syscalls::Syscall* entry = syscalls::find(event.nr);
  const std::size_t count = entry != nullptr ? entry->arg_count : event.args.size();
  const bool by_interrupt = is_of_32_bit(event.nr) && task.stopped().syscall_info().arch != AUDIT_ARCH_X86_64;
  const auto now = by_interrupt ? task.registers.arguments_of_32_bit() : task.registers.arguments();
  const std::int64_t nr = by_interrupt ? number_of_32_bit(task.registers.orig_rax)
                                       : static_cast<std::int32_t>(task.registers.orig_rax);
  if (nr != event.nr ||
      !std::equal(now.begin(), now.begin() + static_cast<std::ptrdiff_t>(count), event.args.begin())) {
    diverge(event, task, "this call with these arguments", describe_position(task));
  }
  if (!task.waits_in_call) check_inputs(task, event);
}

void replay_call(Replayer& replayer, ReplayTask& task, const Event& event) {
  if (event.kind == EventKind::exec) {
    special::replay_exec(replayer, task, event);
    return;
  }
  replayer.advance(task, event);
  check_call(task, event);
  replayer.show_output(event);
  if ((event.flags & event_no_result) != 0) {
    task.position = ReplayTask::Position::ended;
    return;
  }
  const syscalls::Syscall* entry = syscalls::find(event.nr);
  const syscalls::Policy policy =
      entry != nullptr ? syscalls::policy(*entry, event.args) : syscalls::Policy{};
  const bool failed = is_error(event.result);
  Registers registers = task.registers;
  if (is_restart_code(event.result)) {
    prepare_restart(&registers, event.result);
  } else {
    registers.rax = static_cast<std::uint64_t>(event.result);
  }
  if (!failed && policy.replay == syscalls::Replay::execute) {
    special::make_again(task, event, *special::remade_call(*task.space, event));
  } else if (!failed && policy.replay == syscalls::Replay::special) {
    special::replay(task, event, policy.special, &registers);
  }
  if (event.extra != nullptr) special::place_mappings(replayer, task, event.extra->mappings);
  if (entry != nullptr && entry->changes_file()) {
    special::write_to_mappings(task, event);
  } else {
    replayer.write_outputs(task, event);
  }
  if (policy.special == syscalls::Special::ptrace) {
    if (!failed) special::replay_ptrace(replayer, event);
  } else if (event.extra != nullptr && event.extra->after) {
    registers = *event.extra->after;
    if (!event.extra->xstate.empty()) replayer.set_xstate(task, event.extra->xstate);
  }
  replayer.set_registers(task, registers);
}

}  // namespace rec

#include "format/syscalls/table.h"

#include <fcntl.h>

#include <array>
#include <cstddef>
#include <utility>

#include "format/syscalls/entries.h"

namespace rec::syscalls {

const Syscall* find(std::int64_t nr) {
  if (nr < 0 || nr > entries::highest_nr) return nullptr;
  const std::int16_t index = entries::index_by_nr[static_cast<std::size_t>(nr)];
  return index == entries::no_entry ? nullptr : &entries::table[static_cast<std::size_t>(index)];
}

const Syscall* find(std::string_view name) {
  for (const Syscall& call : entries::table) {
    if (call.name == name) return &call;
  }
  return nullptr;
}

std::span<const Syscall> all() { return entries::table; }

Policy policy(const Syscall& call, std::span<const std::uint64_t, 6> args) {
  const Variant* variant = select_variant(call, args);
  const auto of = [variant](const auto& entry) {
    return Policy{.variant = variant,
                  .replay = entry.replay,
                  .special = entry.special,
                  .deny_errno = entry.deny_errno,
                  .blocks = entry.blocks,
                  .changes_fds = entry.changes_fds,
                  .note = entry.note};
  };
  return variant != nullptr ? of(*variant) : of(call);
}

std::string_view subsystem_name(Subsystem subsystem) {
  switch (subsystem) {
    case Subsystem::block:
      return "Block";
    case Subsystem::bpf:
      return "BPF";
    case Subsystem::capability:
      return "Capability";
    case Subsystem::filesystem:
      return "Filesystem";
    case Subsystem::futex:
      return "Futex";
    case Subsystem::io_uring:
      return "io_uring";
    case Subsystem::ipc:
      return "IPC";
    case Subsystem::kexec:
      return "Kexec";
    case Subsystem::keys:
      return "Keys";
    case Subsystem::memory:
      return "Memory Mgmt.";
    case Subsystem::module:
      return "Module";
    case Subsystem::network:
      return "Network";
    case Subsystem::perf_events:
      return "Perf events";
    case Subsystem::power:
      return "Power/Reboot";
    case Subsystem::printk:
      return "Printk";
    case Subsystem::process:
      return "Process Mgmt.";
    case Subsystem::random:
      return "Random";
    case Subsystem::scheduler:
      return "Scheduler";
    case Subsystem::security:
      return "Security";
    case Subsystem::signal:
      return "Signal";
    case Subsystem::time:
      return "Time";
    case Subsystem::unimplemented:
      return "Unimplemented";
  }
  return "";
}

std::optional<Class> find_class(std::string_view name) {
  // The names and their short forms are strace's (strace(1), "Filtering").
  static constexpr std::pair<std::string_view, Class> names[] = {
      {"desc", Class::desc},       {"file", Class::file},       {"memory", Class::memory},
      {"process", Class::process}, {"signal", Class::signal},   {"ipc", Class::ipc},
      {"network", Class::network}, {"net", Class::network},     {"creds", Class::creds},
      {"clock", Class::clock},     {"pure", Class::pure},       {"stat", Class::stat},
      {"lstat", Class::lstat},     {"fstat", Class::fstat},     {"statfs", Class::statfs},
      {"fstatfs", Class::fstatfs}, {"%stat", Class::stat_like}, {"%statfs", Class::statfs_like},
  };
  for (const auto& [known, value] : names) {
    if (known == name) return value;
  }
  return std::nullopt;
}

}  // namespace rec::syscalls

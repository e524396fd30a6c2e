// The syscall table: ONE declarative description of every x86-64 system call, read by the recorder (what to
// capture, what may block, what to deny), the replayer (emulate, execute, special), the printer (names,
// flags, classes) and coverage (subsystem, entry file, Kconfig). The entries are in the .def files beside
// this header; the vocabulary they are written in is spec.h.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "format/syscalls/spec.h"

namespace rec::syscalls {

// The entry of call `nr`, or nullptr: a number the table does not have (recorded by memory comparison).
[[nodiscard]] const Syscall* find(std::int64_t nr);
[[nodiscard]] const Syscall* find(std::string_view name);

// All entries, ordered by number.
[[nodiscard]] std::span<const Syscall> all();

// The variant of a multiplexer (ioctl request, fcntl command, …) that these arguments select; nullptr when
// the call is none or the request is not in the table.
[[nodiscard]] const Variant* select_variant(const Syscall& call, std::span<const std::uint64_t, 6> args);

// What holds for this call with these arguments: the variant's word where one is selected, else the call's
// own.
struct Policy {
  const Variant* variant = nullptr;
  Replay replay = Replay::emulate;
  Special special = Special::none;
  int deny_errno = 0;
  bool blocks = false;
  bool changes_fds = false;
  std::string_view note;
};
[[nodiscard]] Policy policy(const Syscall& call, std::span<const std::uint64_t, 6> args);

// All variants of all multiplexers, ordered by call and selector.
[[nodiscard]] std::span<const Variant> all_variants();

// The multiplexer entry of a call, or nullptr when it is none.
[[nodiscard]] const Multiplexer* find_multiplexer(std::int64_t nr);

// As coverage prints it: "Memory Mgmt.", "Filesystem", …
[[nodiscard]] std::string_view subsystem_name(Subsystem subsystem);

// The class that strace calls `%name` (file, desc, network, net, %stat, …, without the first '%').
[[nodiscard]] std::optional<Class> find_class(std::string_view name);

}  // namespace rec::syscalls

// The syscall table: ONE declarative description of every x86-64 system call, read by the recorder (what to capture,
// what may block, what to deny), the replayer (emulate, execute, special), the printer (names, flags, classes) and
// coverage (subsystem, entry file, Kconfig). The entries are in the .def files beside this header; the vocabulary they
// are written in is spec.h.
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

// The variant of a multiplexer (ioctl request, fcntl command, …) that these arguments select; nullptr when the call is
// none or the request is not in the table.
[[nodiscard]] const Variant* select_variant(const Syscall& call, std::span<const std::uint64_t, 6> args);

}  // namespace rec::syscalls

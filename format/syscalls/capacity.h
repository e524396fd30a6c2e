// How much memory there is behind an argument, by its SizeRule. Used by plan() and settle().
#pragma once

#include <cstdint>
#include <span>

#include "format/base/memory.h"
#include "format/base/remote_ptr.h"
#include "format/syscalls/plan.h"
#include "format/syscalls/spec.h"

namespace rec::syscalls {

// No call transfers more (MAX_RW_COUNT, include/linux/fs.h); the kernel cuts larger counts.
inline constexpr std::uint64_t max_transfer = 0x7ffff000;

// How many elements the memory behind args[index] may have at entry. For the rules `string` and `strings`,
// which are not counted, 0.
[[nodiscard]] std::uint64_t element_count(std::span<const Arg> args, std::uint8_t index,
                                          const CallArguments& call, const Memory& memory);

// count * unit, at most max_transfer.
[[nodiscard]] std::uint64_t bytes_of(std::uint64_t count, std::uint64_t unit);

// Bytes of the string at `at` with its NUL; at most PATH_MAX, and no more than is readable (0: nothing is).
[[nodiscard]] std::uint64_t string_size(const Memory& memory, RemotePtr<> at);

// The 32-bit length at `at`; 0 for one that is negative, which the kernel refuses, or unreadable.
[[nodiscard]] std::uint64_t length_at(const Memory& memory, RemotePtr<> at);

// A struct fiemap with as many extents as its field at `count_at` says.
[[nodiscard]] std::uint64_t fiemap_size(const Memory& memory, RemotePtr<> at, std::uint64_t count_at);

}  // namespace rec::syscalls

// The names of the constants that system calls take: open flags, signal numbers, ioctl requests, … The values
// are in flags/*.def, the list of sets in flag_sets.def. Text is made as strace makes it:
//
//   decode(FlagSet::open_flags, 0100002)     O_RDWR|O_CREAT
//   decode(FlagSet::mmap_prot, 0x80000001)   PROT_READ|0x80000000
//   decode(FlagSet::seek_whence, 9)          0x9 /* SEEK_??? */
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "format/syscalls/spec.h"

namespace rec::syscalls {

// One named value. In a set of bits it is there when (word & mask) == value: a single flag has mask == value,
// an alternative within a field (O_RDWR, SOCK_STREAM) the field's mask. A name for "no bit at all"
// (PROT_NONE) has mask 0.
struct FlagValue {
  std::string_view name;
  std::uint64_t value;
  std::uint64_t mask;
};

enum class FlagKind : std::uint8_t {
  bits,    // several values together, joined by |
  choice,  // exactly one
};

struct FlagSetValues {
  FlagKind kind = FlagKind::choice;
  std::string_view unknown;  // what strace writes where it knows no name: "O_???"; empty: the bare number
  std::span<const FlagValue> values;
};

// The values of a set, in the order of printing. Sets of numbers that have no names are empty.
[[nodiscard]] const FlagSetValues& values_of(FlagSet set);

// The name of exactly this value; empty if there is none.
[[nodiscard]] std::string_view name_of(FlagSet set, std::uint64_t value);

// Appends the text of `value`. Numbers in sets of alternatives are compared in 32 bits if they are not found
// in 64, because the kernel takes most of them as int.
void decode(FlagSet set, std::uint64_t value, fmt::memory_buffer& out);
[[nodiscard]] std::string decode(FlagSet set, std::uint64_t value);

}  // namespace rec::syscalls

// Where a jump that takes the place of an instruction can lead to.
//
//     P:  48 8d 04 40           lea (%rax,%rax,2),%rax       4 bytes: too short for a jump of 5
//         48 39 d8              cmp %rbx,%rax                … which nobody shall change
//
//     P:  e9 00 50 10           jmp ─┐                       the jump's last byte is the next instruction's
//         48 39 d8                   └▶ P + 5 + 0x48105000   first: the place it leads to must be free
//
// A longer instruction leaves the whole displacement free. With prefixes in front of e9 there are more such
// places to choose from.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "tracee/maps.h"

namespace rec {

struct JumpPlace {
  std::uint64_t target = 0;
  std::vector<std::byte> bytes;  // to be written at the instruction; never more than its own length
};

// For an instruction of `length` bytes at `address`; `code` holds it and the bytes behind it. From the page
// of the target on, `room` bytes (whole pages) are free in `maps`. nullopt: there is no such place.
[[nodiscard]] std::optional<JumpPlace> find_jump_place(std::uint64_t address, std::size_t length,
                                                       std::span<const std::byte> code,
                                                       const std::vector<MapsEntry>& maps,
                                                       std::uint64_t room);

}  // namespace rec

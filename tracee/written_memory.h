// What the code around an instruction writes to: where a loop that counts in memory does so is nowhere in its
// registers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "format/registers.h"

namespace rec {

// How far around the instruction pointer written_memory() looks.
inline constexpr std::uint64_t code_around = 512;

// Addresses that the instructions reachable from registers.rip without leaving `code` (which lies at
// `address`) write to, the nearest first, as far as the registers tell now: a guess, as they will change.
// Calls count as instructions that write nothing.
[[nodiscard]] std::vector<std::uint64_t> written_memory(std::span<const std::byte> code,
                                                        std::uint64_t address, const Registers& registers);

}  // namespace rec

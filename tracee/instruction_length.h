// How long a machine instruction is, and nothing else: some fifty times as fast as the disassembler, for
// walking through functions to one place in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace rec {

// The length in bytes of the instruction at the start of `code`, 64-bit mode. nullopt: ask the disassembler.
// That is so of vector encodings, of opcodes that do not exist, of prefixes in an order that assemblers do
// not make, and where `code` ends too soon; whether operands make sense is not looked at.
[[nodiscard]] std::optional<std::uint64_t> instruction_length(std::span<const std::byte> code);

}  // namespace rec

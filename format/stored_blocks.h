// The blocks in an unpacked chunk of file content. The chunk has been verified to lie inside its bytes
// (verified_chunk); all else is doubted: what is wrong throws Implausible.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "format/trace_generated.h"

namespace rec {

[[nodiscard]] const fb::Blocks& blocks_in(const fb::Chunk& chunk);

// Precondition: the place is one of theirs.
[[nodiscard]] std::span<const std::byte> bytes_of(const fb::Blocks& blocks, const fb::BlockPlace& place);

// Whether every block is what its hash says.
[[nodiscard]] bool match_their_hashes(const fb::Blocks& blocks);

// What is in front of all the blocks' bytes, and what behind them. `raw`: the chunk that they are in.
[[nodiscard]] std::array<std::span<const std::byte>, 2> around(const fb::Blocks& blocks,
                                                               std::span<const std::byte> raw);

}  // namespace rec

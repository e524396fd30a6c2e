// A chunk of file content, unpacked, and the blocks in it.
#pragma once

#include <cstddef>
#include <optional>

#include "format/chunk_reader.h"
#include "format/trace_generated.h"

namespace rec {

struct BlockChunk {
  RawChunk raw;
  std::optional<std::size_t> number;  // of the chunk in the trace; nullopt: there is none here
  const fb::Blocks* blocks = nullptr;
  bool is_checked = false;  // every block is known to match its hash

  // Takes the place of what is here. Throws Error, and Implausible for a chunk of another kind.
  void load(ChunkReader& file, const layout::ChunkPlace& place, std::size_t chunk_number);
  // Sets is_checked, if that is so.
  void check();
};

}  // namespace rec

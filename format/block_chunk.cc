#include "format/block_chunk.h"

#include "format/stored_blocks.h"

namespace rec {

void BlockChunk::load(ChunkReader& file, const layout::ChunkPlace& place, std::size_t chunk_number) {
  number.reset();
  is_checked = false;
  blocks = &blocks_in(file.load(place, chunk_number, raw));
  number = chunk_number;
}

void BlockChunk::check() { is_checked = match_their_hashes(*blocks); }

}  // namespace rec

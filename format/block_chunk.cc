#include "format/block_chunk.h"

#include <algorithm>

#include "format/block_hash.h"
#include "format/trace_tables.h"

namespace rec {

void BlockChunk::load(ChunkReader& file, const layout::ChunkPlace& place, std::size_t chunk_number) {
  number.reset();
  is_checked = false;
  blocks = file.load(place, chunk_number, raw).body_as_Blocks();
  if (blocks == nullptr || blocks->places() == nullptr || blocks->bytes() == nullptr)
    throw Implausible{"it does not hold file content"};
  check_aligned(blocks->places());
  number = chunk_number;
}

void BlockChunk::check() {
  const auto is_right = [this](const fb::BlockPlace* place) {
    return hash_of_block(bytes_at(*place)) == from_fb(place->hash());
  };
  is_checked = std::all_of(blocks->places()->begin(), blocks->places()->end(), is_right);
}

std::span<const std::byte> BlockChunk::bytes_at(const fb::BlockPlace& place) const {
  const auto all = std::as_bytes(std::span(blocks->bytes()->data(), blocks->bytes()->size()));
  if (place.offset() > all.size() || place.size() > all.size() - place.offset() ||
      place.size() > content_block_size)
    throw Implausible{"a block is not inside of it"};
  return all.subspan(place.offset(), place.size());
}

}  // namespace rec

#include "format/stored_blocks.h"

#include <algorithm>

#include "format/block_hash.h"
#include "format/trace.h"
#include "format/trace_tables.h"

namespace rec {
namespace {

std::span<const std::byte> all_bytes(const fb::Blocks& blocks) {
  return std::as_bytes(std::span(blocks.bytes()->data(), blocks.bytes()->size()));
}

}  // namespace

const fb::Blocks& blocks_in(const fb::Chunk& chunk) {
  const fb::Blocks* blocks = chunk.body_as_Blocks();
  if (blocks == nullptr || blocks->places() == nullptr || blocks->bytes() == nullptr)
    throw Implausible{"it does not hold file content"};
  check_aligned(blocks->places());
  return *blocks;
}

std::span<const std::byte> bytes_of(const fb::Blocks& blocks, const fb::BlockPlace& place) {
  const auto all = all_bytes(blocks);
  if (place.offset() > all.size() || place.size() > all.size() - place.offset() ||
      place.size() > content_block_size)
    throw Implausible{"a block is not inside of it"};
  return all.subspan(place.offset(), place.size());
}

bool match_their_hashes(const fb::Blocks& blocks) {
  return std::all_of(blocks.places()->begin(), blocks.places()->end(), [&](const fb::BlockPlace* place) {
    return hash_of_block(bytes_of(blocks, *place)) == from_fb(place->hash());
  });
}

std::array<std::span<const std::byte>, 2> around(const fb::Blocks& blocks, std::span<const std::byte> raw) {
  const auto bytes = all_bytes(blocks);
  const auto before = static_cast<std::size_t>(bytes.data() - raw.data());
  return {raw.first(before), raw.subspan(before + bytes.size())};
}

}  // namespace rec

#include "format/block_hash.h"

#define XXH_STATIC_LINKING_ONLY  // for a state on the stack
#include <xxhash.h>

#include <vector>

namespace rec {
namespace {

bool has_avx2() {
  static const bool is_there = __builtin_cpu_supports("avx2") != 0;
  return is_there;
}

}  // namespace

BlockHash hash_of_block(std::span<const std::byte> bytes) {
  if (has_avx2()) return hash_of_block_avx2({bytes.data(), bytes.size()});
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.low64, hash.high64};
}

std::uint64_t hash_of_parts(std::span<const std::span<const std::byte>> parts) {
  if (has_avx2()) {
    std::vector<HashedPart> all;
    all.reserve(parts.size());
    for (const std::span<const std::byte> part : parts) all.push_back({part.data(), part.size()});
    return hash_of_parts_avx2(all.data(), all.size());
  }
  XXH3_state_t state;
  (void)XXH3_64bits_reset(&state);
  for (const std::span<const std::byte> part : parts)
    (void)XXH3_64bits_update(&state, part.data(), part.size());
  return XXH3_64bits_digest(&state);
}

}  // namespace rec

#include "format/block_hash.h"

#include <xxhash.h>

namespace rec {

BlockHash hash_of_block(std::span<const std::byte> bytes) {
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  if (has_avx2) return hash_of_block_avx2(bytes.data(), bytes.size());
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.low64, hash.high64};
}

}  // namespace rec

// Compiled for processors with AVX2 (CMakeLists.txt), which the library, as distributions build it, does not
// make use of. So nothing but the hashes may be in here: what other files have, too (inline functions,
// templates), the linker could take from this one.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "format/block_hash.h"

namespace rec {

BlockHash hash_of_block_avx2(HashedPart block) {
  const XXH128_hash_t hash = XXH3_128bits(block.bytes, block.size);
  return {hash.low64, hash.high64};
}

std::uint64_t hash_of_parts_avx2(const HashedPart* parts, std::size_t count) {
  XXH3_state_t state;
  (void)XXH3_64bits_reset(&state);
  for (std::size_t i = 0; i < count; ++i) (void)XXH3_64bits_update(&state, parts[i].bytes, parts[i].size);
  return XXH3_64bits_digest(&state);
}

}  // namespace rec

// Compiled for processors with AVX2 (CMakeLists.txt), which the library, as distributions build it, does not
// make use of. So nothing but the hash may be in here: what other files have, too (inline functions,
// templates), the linker could take from this one.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "format/block_hash.h"

namespace rec {

BlockHash hash_of_block_avx2(const void* bytes, std::size_t size) {
  const XXH128_hash_t hash = XXH3_128bits(bytes, size);
  return {hash.low64, hash.high64};
}

}  // namespace rec

#include "format/block_hash.h"

#include <doctest/doctest.h>
#include <xxhash.h>

#include "tests/unit/trace_support.h"

namespace rec::testing {
namespace {

TEST_CASE("a block's hash is XXH3's, whatever instructions it was computed with") {
  const auto content = noise(300'000, 1);
  for (const std::size_t size : {0, 1, 17, 240, 241, 1023, 1024, 1025, 65'536, 299'999}) {
    CAPTURE(size);
    const auto bytes = std::span(content).subspan(1, size);  // not aligned
    const XXH128_hash_t expected = XXH3_128bits(bytes.data(), bytes.size());
    CHECK(hash_of_block(bytes) == BlockHash{expected.low64, expected.high64});
  }
}

}  // namespace
}  // namespace rec::testing

#include "format/block_hash.h"

#include <doctest/doctest.h>
#include <xxhash.h>

#include <algorithm>
#include <vector>

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

TEST_CASE("the hash of parts is XXH3's of what they make up together") {
  const auto content = noise(300'000, 1);
  for (const std::size_t step : {1'000, 131'072, 299'999, 300'000}) {
    CAPTURE(step);
    std::vector<std::span<const std::byte>> parts;
    for (std::size_t at = 0; at < content.size(); at += step)
      parts.push_back(std::span(content).subspan(at, std::min(step, content.size() - at)));
    CHECK(hash_of_parts(parts) == XXH3_64bits(content.data(), content.size()));
  }
  CHECK(hash_of_parts({}) == XXH3_64bits(content.data(), 0));
}

}  // namespace
}  // namespace rec::testing

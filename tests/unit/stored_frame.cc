#include "format/stored_frame.h"

#include <doctest/doctest.h>
#include <zstd.h>

#include "tests/unit/trace_support.h"

namespace rec::testing {
namespace {

std::vector<std::byte> joined(std::span<const std::span<const std::byte>> parts) {
  std::vector<std::byte> all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

TEST_CASE("zstd unpacks a stored frame to its content, in however many pieces that was") {
  constexpr std::size_t block = 128 << 10;
  const auto content = noise(3 * block + 5, 1);
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, block - 1, block, block + 1, content.size()}) {
    for (const std::size_t step : {std::size_t{999}, block, content.size()}) {
      CAPTURE(size);
      CAPTURE(step);
      const std::span<const std::byte> whole = std::span(content).first(size);
      std::vector<std::span<const std::byte>> pieces;
      for (std::size_t at = 0; at < size; at += step)
        pieces.push_back(whole.subspan(at, std::min(step, size - at)));
      const StoredFrame frame(pieces);
      const auto bytes = joined(frame.parts());
      CHECK(bytes.size() == frame.size());
      CHECK(ZSTD_getFrameContentSize(bytes.data(), bytes.size()) == size);
      std::vector<std::byte> unpacked(size + 1);
      REQUIRE(ZSTD_decompress(unpacked.data(), unpacked.size(), bytes.data(), bytes.size()) == size);
      unpacked.resize(size);
      CHECK(std::equal(unpacked.begin(), unpacked.end(), whole.begin(), whole.end()));
    }
  }
}

}  // namespace
}  // namespace rec::testing

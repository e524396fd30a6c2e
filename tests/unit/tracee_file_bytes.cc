// Reading a whole file.
#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "format/base/unique_fd.h"
#include "tracee/file_bytes.h"

namespace rec {
namespace {

UniqueFd file_of(const std::vector<std::byte>& bytes) {
  UniqueFd file(::memfd_create("rec-unit", MFD_CLOEXEC));
  REQUIRE(file.is_open());
  REQUIRE(::write(file.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  return file;
}

std::vector<std::byte> some_bytes(std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 31 + (i >> 12));
  return bytes;
}

bool equal(std::span<const std::byte> a, std::span<const std::byte> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace

TEST_CASE("a file's bytes are all there, of small files and of those that take several huge pages") {
  for (const std::size_t size : {1U, 4096U, (2U << 20) - 1, 2U << 20, (5U << 20) + 3}) {
    const auto written = some_bytes(size);
    const UniqueFd file = file_of(written);
    const FileBytes read(file.get(), size);
    CHECK(equal(read.bytes(), written));
  }
}

TEST_CASE("a file that is shorter than it was gives what it still has") {
  const auto written = some_bytes(10'000);
  const UniqueFd file = file_of(written);
  REQUIRE(::ftruncate(file.get(), 5000) == 0);
  const FileBytes read(file.get(), written.size());
  CHECK(equal(read.bytes(), std::span(written).first(5000)));
}

}  // namespace rec

// A whole file's bytes.
#include <doctest/doctest.h>
#include <fcntl.h>
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

TEST_CASE("a file's bytes are all there, of small files and large ones") {
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

TEST_CASE("a file that is looked at again gives what it has now") {
  auto written = some_bytes(3 << 20);
  const UniqueFd file = file_of(written);
  for (int round = 0; round < 2; ++round) {
    CHECK(equal(FileBytes(file.get(), written.size()).bytes(), written));
    written[7] ^= std::byte{0x55};
    REQUIRE(::pwrite(file.get(), written.data(), 8, 0) == 8);
  }
}

TEST_CASE("two files read at the same time keep their own bytes") {
  const auto one = some_bytes(3 << 20);
  auto other = one;
  std::reverse(other.begin(), other.end());
  const UniqueFd one_file = file_of(one);
  const UniqueFd other_file = file_of(other);
  (void)FileBytes(one_file.get(), one.size());
  const FileBytes read_one(one_file.get(), one.size());
  const FileBytes read_other(other_file.get(), other.size());
  CHECK(equal(read_one.bytes(), one));
  CHECK(equal(read_other.bytes(), other));
}

TEST_CASE("a file that is cut off while it is looked at reads as zeros from there on") {
  const auto written = some_bytes(5 * 4096 + 7);
  const UniqueFd cut = file_of(written);
  const UniqueFd whole = file_of(written);
  const FileBytes file(cut.get(), written.size());
  const FileBytes other(whole.get(), written.size());
  REQUIRE(::ftruncate(cut.get(), 4096 + 5) == 0);
  std::vector<std::byte> expected = written;
  std::fill(expected.begin() + 4096 + 5, expected.end(), std::byte{0});
  CHECK(equal(file.bytes(), expected));
  CHECK(equal(other.bytes(), written));
}

}  // namespace rec

// Reading a whole file.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
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

TEST_CASE("a file that is read again gives what it has now, whether it was changed a moment ago or rested") {
  auto written = some_bytes(3 << 20);
  const UniqueFd file = file_of(written);
  const timespec long_ago[2] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
  for (int round = 0; round < 4; ++round) {
    CHECK(equal(FileBytes(file.get(), written.size()).bytes(), written));
    written[7] ^= std::byte{0x55};
    REQUIRE(::pwrite(file.get(), written.data(), 8, 0) == 8);
    if (round % 2 != 0) REQUIRE(::futimens(file.get(), long_ago) == 0);
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

TEST_CASE("of a file that has rested, a second reading and one of its beginning give the same bytes") {
  const UniqueFd file(::open("/bin/sh", O_RDONLY | O_CLOEXEC));
  REQUIRE(file.is_open());
  struct stat info {};
  REQUIRE(::fstat(file.get(), &info) == 0);
  const auto size = static_cast<std::uint64_t>(info.st_size);
  std::vector<std::byte> expected(size);
  REQUIRE(read_file_part(file.get(), 0, expected).size() == size);
  CHECK(equal(FileBytes(file.get(), size).bytes(), expected));
  CHECK(equal(FileBytes(file.get(), size).bytes(), expected));
  CHECK(equal(FileBytes(file.get(), 100).bytes(), std::span(expected).first(100)));
  CHECK(equal(FileBytes(file.get(), size).bytes(), expected));
}

}  // namespace rec

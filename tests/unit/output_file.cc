#include "format/output_file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/base/file_part.h"
#include "format/base/unique_fd.h"
#include "tests/unit/trace_support.h"

namespace rec::testing {
namespace {

constexpr std::uint64_t no_limit = ~std::uint64_t{0};
constexpr std::uint64_t mib = 1 << 20;

struct stat status_of(const std::string& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status;
}

// Of what the file system has given to the file.
std::uint64_t bytes_taken(const std::string& path) {
  constexpr std::uint64_t unit = 512;  // stat(2), st_blocks
  return static_cast<std::uint64_t>(status_of(path).st_blocks) * unit;
}

// In pieces that end nowhere in particular.
std::vector<std::byte> write_some(OutputFile& file, std::uint64_t size) {
  std::vector<std::byte> all;
  for (unsigned i = 0; all.size() < size; ++i) {
    const auto piece = noise(300'001, i);
    const std::span<const std::byte> body = std::span(piece).subspan(100);
    file.append(std::span(piece).first(100), body);
    all.insert(all.end(), piece.begin(), piece.end());
  }
  return all;
}

TEST_CASE("a file keeps nothing of the room that was reserved for more once it is closed") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a";
  OutputFile file(path, no_limit);
  const auto written = write_some(file, 20 * mib);
  CHECK(file.size() == written.size());
  CHECK(status_of(path).st_size == static_cast<off_t>(written.size()));
  file.close();
  CHECK(bytes_taken(path) <= written.size() + mib);
  CHECK(std::ranges::equal(file_bytes(path), written));
}

TEST_CASE("a file that was there is replaced: whoever has it open keeps what it had") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a";
  OutputFile first(path, no_limit);
  const auto written = write_some(first, mib);
  first.close();
  const UniqueFd reader(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  OutputFile second(path, no_limit);
  CHECK(status_of(path).st_size == 0);
  CHECK((status_of(path).st_mode & 0777) == 0600);
  second.drop_replaced();
  std::vector<std::byte> kept(written.size());
  CHECK(read_file_part(reader.get(), 0, kept).size() == written.size());
  CHECK(std::ranges::equal(kept, written));
}

TEST_CASE("a file that has another name, too, or is behind a link, is emptied") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a";
  const std::string other = directory / "b";
  OutputFile(path, no_limit).append(noise(1000, 1));
  SUBCASE("a hard link") { REQUIRE(::link(path.c_str(), other.c_str()) == 0); }
  SUBCASE("a symbolic link") { REQUIRE(::symlink(path.c_str(), other.c_str()) == 0); }
  OutputFile(other, no_limit).append(noise(500, 2));
  CHECK(std::ranges::equal(file_bytes(path), noise(500, 2)));
}

TEST_CASE("a file whose end is taken off can be written further") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a";
  OutputFile file(path, no_limit);
  auto written = write_some(file, 12 * mib);
  written.resize(10 * mib);
  file.cut_to(written.size());
  CHECK(bytes_taken(path) <= written.size() + mib);
  const auto more = write_some(file, 12 * mib);
  written.insert(written.end(), more.begin(), more.end());
  file.close();
  CHECK(std::ranges::equal(file_bytes(path), written));
}

TEST_CASE("no room is reserved beyond the size that a file may have") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a";
  OutputFile file(path, 21 * mib);
  (void)write_some(file, 20 * mib);
  CHECK(bytes_taken(path) <= 22 * mib);
}

}  // namespace
}  // namespace rec::testing

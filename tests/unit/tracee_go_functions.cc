#include <doctest/doctest.h>

#include <cstring>
#include <utility>
#include <vector>

#include "tracee/go_functions.h"

namespace rec::test {
namespace {

using Functions = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

// A table as Go's linker makes it: the header, then {start of the function, place of the rest} and the end.
class GoTable {
 public:
  GoTable& header(std::uint32_t magic, std::uint64_t functions) {
    put(magic);
    put(std::uint16_t{0});
    put(std::uint8_t{1});
    put(std::uint8_t{8});
    put(functions);
    put(std::uint64_t{3});
    if (magic != 0xfffffffa) put(std::uint64_t{0x401000});
    const std::uint64_t end = bytes_.size() + 5 * sizeof(std::uint64_t);
    for (int i = 0; i < 5; ++i) put(end);
    return *this;
  }

  template <class T>
  GoTable& put(const T& value) {
    const auto at = bytes_.size();
    bytes_.resize(at + sizeof value);
    std::memcpy(bytes_.data() + at, &value, sizeof value);
    return *this;
  }

  [[nodiscard]] Functions functions() const { return functions(bytes_.size()); }
  [[nodiscard]] Functions functions(std::size_t size) const {
    Functions found;
    each_go_function(std::span(bytes_).first(size),
                     [&](auto start, auto end) { found.emplace_back(start, end); });
    return found;
  }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }

 private:
  std::vector<std::byte> bytes_;
};

GoTable narrow_table(std::uint32_t magic) {
  GoTable table;
  table.header(magic, 2);
  for (const std::uint32_t word : {0u, 0u, 0x20u, 0u, 0x50u}) table.put(word);
  return table;
}

const Functions both = {{0x401000, 0x401020}, {0x401020, 0x401050}};

}  // namespace

TEST_CASE("the functions of Go 1.18 and later are told by their distance from the text") {
  CHECK(narrow_table(0xfffffff0).functions() == both);
  CHECK(narrow_table(0xfffffff1).functions() == both);
}

TEST_CASE("the functions of Go 1.16 are told by their addresses") {
  GoTable table;
  table.header(0xfffffffa, 2);
  for (const std::uint64_t word : {0x401000u, 0u, 0x401020u, 0u, 0x401050u}) table.put(word);
  CHECK(table.functions() == both);
}

TEST_CASE("a table of functions of an unknown version is as if it was not there") {
  CHECK(narrow_table(0xfffffffb).functions().empty());
  CHECK(narrow_table(0x12345678).functions().empty());
}

TEST_CASE("functions of Go that are out of order end the table") {
  GoTable table;
  table.header(0xfffffff1, 3);
  for (const std::uint32_t word : {0u, 0u, 0x20u, 0u, 0x10u, 0u, 0x30u}) table.put(word);
  CHECK(table.functions() == Functions{{0x401000, 0x401020}});
}

TEST_CASE("a table of Go's functions cut off anywhere is read without harm") {
  const GoTable table = narrow_table(0xfffffff1);
  for (std::size_t size = 0; size < table.size(); ++size) CHECK(table.functions(size).size() < 2);
}

}  // namespace rec::test

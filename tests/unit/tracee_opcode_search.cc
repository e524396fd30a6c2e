// Looking for opcodes in code.
#include <doctest/doctest.h>

#include <vector>

#include "tracee/opcode_search.h"

namespace rec {
namespace {

std::vector<std::size_t> positions(std::span<const std::byte> code) {
  std::vector<std::size_t> found;
  for_two_byte_opcodes<0x05, 0xa2>(code, [&](std::size_t at) {
    found.push_back(at);
    return true;
  });
  return found;
}

}  // namespace

TEST_CASE("a two-byte opcode is found at every position of code of any length, unless it is cut off") {
  for (std::size_t size = 0; size < 70; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      std::vector<std::byte> code(size, std::byte{0x05});
      code[at] = std::byte{0x0f};
      const auto found = positions(code);
      CHECK(found == (at + 1 < size ? std::vector<std::size_t>{at} : std::vector<std::size_t>{}));
    }
  }
}

TEST_CASE("of two-byte opcodes only those asked for are found, in ascending order") {
  std::vector<std::byte> code;
  for (int i = 0; i < 20; ++i) {
    for (const unsigned one : {0x0fU, 0x05U, 0x0fU, 0x31U, 0x0fU, 0xa2U, 0x90U})
      code.push_back(std::byte(one));
  }
  std::vector<std::size_t> expected;
  for (std::size_t i = 0; i < 20; ++i) {
    expected.push_back(7 * i);
    expected.push_back(7 * i + 4);
  }
  CHECK(positions(code) == expected);
}

TEST_CASE("looking for two-byte opcodes ends when the caller has enough") {
  const std::vector<std::byte> code(100, std::byte{0x0f});
  int calls = 0;
  for_two_byte_opcodes<0x0f>(code, [&](std::size_t at) {
    ++calls;
    return at < 3;
  });
  CHECK(calls == 4);
}

TEST_CASE("an opcode of one byte is found at every position of code of any length, its last byte as well") {
  const auto match = [](CodeVector first, CodeVector) { return equals(first, 0xfe, 0xe8); };
  for (std::size_t size = 0; size < 70; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      std::vector<std::byte> code(size, std::byte{0x90});
      code[at] = std::byte{0xe9};
      std::vector<std::size_t> found;
      for_opcodes(code, match, [&](std::size_t where) {
        found.push_back(where);
        return true;
      });
      CHECK(found == std::vector<std::size_t>{at});
    }
  }
}

}  // namespace rec

// How long instructions are, against the disassembler.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tracee/disassembler.h"
#include "tracee/elf_functions.h"
#include "tracee/instruction_length.h"

namespace rec {
namespace {

std::optional<std::uint64_t> length_of(std::initializer_list<unsigned> values) {
  std::vector<std::byte> bytes;
  for (const unsigned value : values) bytes.push_back(static_cast<std::byte>(value));
  return instruction_length(bytes);
}

std::vector<char> content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

struct Comparison {
  std::uint64_t compared = 0, asked = 0;
  std::string first_difference;
};

// From the start of some code, in pieces with gaps between them; behind what the disassembler cannot decode
// (data), from the next place where it can.
Comparison compare(std::span<const std::byte> file, std::uint64_t piece, std::uint64_t step) {
  Comparison result;
  ElfFunctions elf(file);
  Disassembler disassembler;
  for (const ElfFunctions::Range& code : elf.code()) {
    for (std::uint64_t start = code.start; start < code.end; start += step) {
      for (std::uint64_t at = start; at < std::min(start + piece, code.end);) {
        const auto rest = file.subspan(at, std::min<std::uint64_t>(code.end - at, 16));
        const auto decoded = disassembler.decode(rest);
        const auto length = instruction_length(rest);
        if (decoded && length) ++result.compared;
        if (decoded && !length) ++result.asked;
        if (decoded && length && *length != decoded->length && result.first_difference.empty()) {
          result.first_difference = fmt::format("at {:#x}: {} instead of {}:", at, *length, decoded->length);
          for (const std::byte byte : rest.first(std::min<std::size_t>(rest.size(), 15)))
            result.first_difference += fmt::format(" {:02x}", std::to_integer<unsigned>(byte));
        }
        at += decoded ? decoded->length : 1;
      }
    }
  }
  return result;
}

}  // namespace

TEST_CASE("the length of an instruction counts prefixes, operands and immediates") {
  CHECK(length_of({0x90}) == 1);                                          // nop
  CHECK(length_of({0x48, 0x8b, 0x44, 0x24, 0x08}) == 5);                  // mov 8(%rsp), %rax
  CHECK(length_of({0x8b, 0x05, 1, 2, 3, 4}) == 6);                        // mov …(%rip), %eax
  CHECK(length_of({0x8b, 0x04, 0x25, 1, 2, 3, 4}) == 7);                  // mov …, %eax
  CHECK(length_of({0x66, 0xb8, 1, 2}) == 4);                              // mov $…, %ax
  CHECK(length_of({0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8}) == 10);           // movabs $…, %rax
  CHECK(length_of({0x66, 0x81, 0x38, 1, 2}) == 5);                        // cmpw $…, (%rax)
  CHECK(length_of({0xf7, 0xc0, 1, 2, 3, 4}) == 6);                        // test $…, %eax
  CHECK(length_of({0xf7, 0xd0}) == 2);                                    // not %eax
  CHECK(length_of({0xf6, 0x45, 0xf0, 1}) == 4);                           // testb $1, -16(%rbp)
  CHECK(length_of({0x0f, 0xa2}) == 2);                                    // cpuid
  CHECK(length_of({0x0f, 0x84, 1, 2, 3, 4}) == 6);                        // je
  CHECK(length_of({0x66, 0x0f, 0x3a, 0x0f, 0xc1, 8}) == 6);               // palignr
  CHECK(length_of({0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0}) == 10);  // cs nopw
  CHECK(length_of({0x66, 0x66, 0x48, 0xe8, 1, 2, 3, 4}) == 8);            // a call for __tls_get_addr
  CHECK(length_of({0xc8, 1, 0, 0}) == 4);                                 // enter
  CHECK(length_of({0x48, 0xa1, 1, 2, 3, 4, 5, 6, 7, 8}) == 10);           // movabs …, %rax
}

TEST_CASE("of what it cannot tell the length of, the disassembler is asked") {
  CHECK_FALSE(length_of({0xc5, 0xf8, 0x77}));        // vzeroupper
  CHECK_FALSE(length_of({0x06}));                    // not in 64-bit mode
  CHECK_FALSE(length_of({0x66, 0xe8, 1, 2, 3, 4}));  // Intel: 6 bytes, AMD: 4
  CHECK_FALSE(length_of({0x8b, 0x05, 1, 2, 3}));     // cut off
  CHECK_FALSE(length_of({0x48, 0x66, 0x90}));        // REX in front of another prefix
  CHECK_FALSE(length_of({}));
}

TEST_CASE("lengths are those that the disassembler finds, in a whole program") {
  // For comparing with another one by hand.
  const char* const other = std::getenv("REC_CODE_TO_COMPARE");
  const std::vector<char> file = content_of(other != nullptr ? other : "/proc/self/exe");
  const std::uint64_t step = other != nullptr ? 4096 : 64 << 10;
  const Comparison result = compare(std::as_bytes(std::span(file)), 4096, step);
  CHECK(result.first_difference.empty());
  INFO(result.first_difference);
  CHECK(result.compared > 10'000);
  CHECK(result.asked < result.compared);
  if (other != nullptr)
    MESSAGE(fmt::format("{}: {} compared, {} asked {}", other, result.compared, result.asked,
                        result.first_difference));
}

}  // namespace rec

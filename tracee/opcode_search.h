// Where opcodes may stand in code, 16 positions at a time: megabytes of it are looked through where a program
// starts.
#pragma once

#include <emmintrin.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace rec {

// 16 bytes that follow one another.
using CodeVector = __m128i;
[[nodiscard]] inline CodeVector equals(CodeVector bytes, std::uint8_t value) {
  return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(static_cast<char>(value)));
}
// Of the bytes, only the bits in `mask` are compared.
[[nodiscard]] inline CodeVector equals(CodeVector bytes, std::uint8_t mask, std::uint8_t value) {
  return equals(_mm_and_si128(bytes, _mm_set1_epi8(static_cast<char>(mask))), value);
}

// Calls `each` with every position, in ascending order, that `match` says is one, until it returns false.
// `match` is given the bytes at 16 positions and those right behind each, zero behind the end, and returns
// 0xff for each that is one.
template <class Match, class Each>
void for_opcodes(std::span<const std::byte> code, const Match& match, const Each& each) {
  constexpr std::size_t width = sizeof(CodeVector);
  const auto look_at = [&](const std::byte* bytes, std::size_t at) {
    const CodeVector first = _mm_loadu_si128(reinterpret_cast<const CodeVector*>(bytes));
    const CodeVector behind = _mm_loadu_si128(reinterpret_cast<const CodeVector*>(bytes + 1));
    auto found = static_cast<unsigned>(_mm_movemask_epi8(match(first, behind)));
    for (; found != 0; found &= found - 1) {
      if (!each(at + static_cast<std::size_t>(std::countr_zero(found)))) return false;
    }
    return true;
  };
  std::size_t at = 0;
  for (; code.size() - at > width; at += width) {
    if (!look_at(code.data() + at, at)) return;
  }
  std::array<std::byte, width + 1> rest{};
  std::copy(code.begin() + static_cast<std::ptrdiff_t>(at), code.end(), rest.begin());
  (void)look_at(rest.data(), at);
}

// The same for 0F with one of `Seconds`, none of them 0, behind it.
template <std::uint8_t... Seconds, class Each>
void for_two_byte_opcodes(std::span<const std::byte> code, const Each& each) {
  static_assert(((Seconds != 0) && ...));
  const auto match = [](CodeVector first, CodeVector behind) {
    CodeVector second = _mm_setzero_si128();
    ((second = _mm_or_si128(second, equals(behind, Seconds))), ...);
    return _mm_and_si128(equals(first, 0x0f), second);
  };
  for_opcodes(code, match, each);
}

}  // namespace rec

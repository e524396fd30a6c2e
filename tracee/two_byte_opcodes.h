// Where two-byte opcodes (0F xx) may stand in code: most of what rec looks for begins so, and megabytes of
// code are looked through where a program starts.
#pragma once

#include <emmintrin.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace rec {

// Calls `each` with the position of each 0F that one of `Seconds` follows, in ascending order, until it
// returns false.
template <std::uint8_t... Seconds, class Each>
void for_two_byte_opcodes(std::span<const std::byte> code, const Each& each) {
  const auto is_one = [&](std::size_t at) {
    const auto second = std::to_integer<std::uint8_t>(code[at + 1]);
    return code[at] == std::byte{0x0f} && ((second == Seconds) || ...);
  };
  const auto load = [&](std::size_t at) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(code.data() + at));
  };
  const auto equals = [](__m128i bytes, std::uint8_t value) {
    return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(static_cast<char>(value)));
  };
  std::size_t at = 0;
  for (; at + sizeof(__m128i) < code.size(); at += sizeof(__m128i)) {
    const __m128i first = equals(load(at), 0x0f);
    const __m128i behind = load(at + 1);
    __m128i second = _mm_setzero_si128();
    ((second = _mm_or_si128(second, equals(behind, Seconds))), ...);
    auto found = static_cast<unsigned>(_mm_movemask_epi8(_mm_and_si128(first, second)));
    for (; found != 0; found &= found - 1) {
      if (!each(at + static_cast<std::size_t>(std::countr_zero(found)))) return;
    }
  }
  for (; at + 1 < code.size(); ++at) {
    if (is_one(at) && !each(at)) return;
  }
}

}  // namespace rec

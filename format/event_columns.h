// How a chunk's events become columns, and back (schema: Events in trace.fbs).
//
// A program repeats itself: the same task makes the same calls with the same arguments, and what varies is
// mostly the time. So an event is split into what it *is* and what its values *are*:
//
//   shape[i] ──▶ shapes[]: flags, memory pieces ──▶ contexts[]: task, call, kind
//                             │
//                             ▼
//                          items[]: role, argument, where the address and the sizes come from
//
//   changed[i]: which of the six arguments and the result differ from the context's previous event; their
//               differences follow in values[]. A call that is made again with the same arguments costs no
//               value at all.
//   gap[i], duration[i]: times since the previous event's end and since its own beginning.
//   words: small structures, word by word, as differences to what stood there in the context's previous
//   event:
//          of a time, or of a file's status, little changes from one call to the next.
//   heap: the bytes of all other pieces, one after the other.
//
// Numbers of much entropy (times) lie in *byte planes*: all lowest bytes, then all second bytes, … Each plane
// has a distribution of its own, which suits the entropy coder, and the upper planes are almost all zeros.
//
// Measured, 1 M one-byte reads and writes as of `dd bs=1`: 0.4 bytes a call with the times of a tight loop,
// which hardly vary; 3.1 bytes with log-normal times (deviations of 0.1 and 0.24 µs), of which 2.3 are the
// entropy of the times. append() takes 40 ns, decoding 25 ns a call.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "format/event.h"

namespace rec::columns {

// Item.address_from
enum class AddressFrom : std::uint8_t {
  argument = 0,  // the call's argument that the piece hangs off
  values = 1,  // the difference to the end of the event's previous such piece, or, for the first such piece,
               // to where that was in the context's previous event
};

// Item.size_from and Item.full_size_from
enum class SizeFrom : std::uint8_t {
  item = 0,    // the item says it
  result = 1,  // the call's result
  size = 2,    // full_size only: nothing was cut
};

// Item.storage
enum class Storage : std::uint8_t {
  heap = 0,
  blocks = 1,  // large: in content chunks, content_block_size bytes each; the heap has the blocks' hashes
  words = 2,   // in Events.words (since format 4)
};

// The pieces of an event that consist of words have one memory together, in which each has the place behind
// the one before; what does not fit in has none. A piece in the heap is kept in mind there as well.
inline constexpr std::size_t word_size = sizeof(std::uint64_t);
inline constexpr std::size_t max_words = 32;  // struct stat has 18
[[nodiscard]] constexpr bool has_words(std::uint64_t size, std::size_t used) {
  return size != 0 && size % word_size == 0 && size / word_size <= max_words - used;
}

// In Events.changed.
inline constexpr unsigned result_bit = 6;
inline constexpr std::uint8_t changed_bits = 0x7f;

// What is predicted from, per context. The writer's and the reader's are always equal.
struct Prediction {
  std::array<std::uint64_t, 6> args{};
  std::uint64_t result = 0;
  std::uint64_t address = 0;
  std::vector<std::uint64_t> words;  // max_words of them, or none as long as no piece has had words
};

// Signed differences as unsigned numbers that are small when the difference is.
[[nodiscard]] constexpr std::uint64_t zigzag(std::uint64_t difference) {
  return (difference << 1) ^ (0 - (difference >> 63));
}
[[nodiscard]] constexpr std::uint64_t unzigzag(std::uint64_t value) {
  return (value >> 1) ^ (0 - (value & 1));
}

// LEB128: seven bits a byte, lowest first; the top bit says that more follow. At most ten bytes.
inline constexpr std::size_t max_varint = 10;
// Returns the end of what was put at `out`, where there is room for so much.
inline std::uint8_t* put_varint(std::uint8_t* out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) *out++ = static_cast<std::uint8_t>(value | 0x80);
  *out++ = static_cast<std::uint8_t>(value);
  return out;
}
inline void put_varint(std::vector<std::uint8_t>& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::uint8_t>(value | 0x80));
  out.push_back(static_cast<std::uint8_t>(value));
}

// Number of hashes in the heap for a piece of `size` bytes that is stored in blocks.
[[nodiscard]] constexpr std::uint64_t blocks_for(std::uint64_t size, std::uint64_t block_size) {
  return size / block_size + (size % block_size != 0 ? 1 : 0);
}

}  // namespace rec::columns

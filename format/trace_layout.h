// The bytes of a trace file around its chunks' payloads. All numbers are little-endian.
//
//   ┌──────────┬──────────────────────┬──────────────────────┬───┬──────────────────────┬─────────┐
//   │ prologue │ header chunk         │ events / content …   │ … │ index chunk          │ trailer │
//   └──────────┴──────────────────────┴──────────────────────┴───┴──────────────────────┴─────────┘
//    skippable  chunk header: skippable                                                  skippable
//    frame      payload: one zstd frame                                                  frame
//
// (What does not compress is in a frame of raw blocks, which has no checksum of zstd's.)
//
// Prologue, chunk headers and trailer are skippable zstd frames (RFC 8878, 3.1.2), so that `zstd -t` and
// `zstd -dc` work on a trace. A chunk header says all that a scan needs to know, so that a trace without an
// index is recovered without decompressing anything.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace rec::layout {

enum class ChunkKind : std::uint8_t { header = 0, events = 1, content = 2, index = 3 };

// What a payload may unpack to. A writer stays far below (a chunk is cut at 1 MiB); a reader refuses more.
inline constexpr std::uint32_t max_raw_size = 256U << 20;
inline constexpr std::uint32_t max_events_per_chunk = 1U << 20;

inline constexpr std::size_t prologue_size = 48;
inline constexpr std::size_t chunk_header_size = 72;
inline constexpr std::size_t trailer_size = 32;

struct Prologue {
  std::uint32_t format_version = 0;
  std::string rec_version;  // cut at 15 bytes
};

struct ChunkHeader {
  ChunkKind kind = ChunkKind::header;
  bool has_contents = false;    // an events chunk that announces contents
  bool blocks_by_hash = false;  // a content chunk whose blocks `checksum` leaves out
  std::uint64_t first_event = 0;
  std::uint32_t event_count = 0;
  std::uint32_t raw_size = 0;
  std::uint64_t compressed_size = 0;
  std::uint64_t first_ns = 0;  // events: the least enter_ns and the greatest leave_ns
  std::uint64_t last_ns = 0;
  // checksum_of() the payload. With blocks_by_hash, that is a StoredFrame, byte by byte, and this is of what
  // it unpacks to, but for Blocks.bytes: all of those are in blocks, whose hashes are in front of them.
  std::uint64_t checksum = 0;
  bool operator==(const ChunkHeader&) const = default;
};

// Where a chunk lies: its header at `offset`, its payload right behind.
struct ChunkPlace {
  std::uint64_t offset = 0;
  ChunkHeader header;
  [[nodiscard]] std::uint64_t payload_offset() const { return offset + chunk_header_size; }
  [[nodiscard]] std::uint64_t end() const { return payload_offset() + header.compressed_size; }
};

// The bools of a header as a byte has them, here and in the index. False: it cannot have these.
[[nodiscard]] std::uint8_t flags_of(const ChunkHeader& header);
[[nodiscard]] bool set_flags(ChunkHeader& header, std::uint8_t flags);

[[nodiscard]] std::array<std::byte, prologue_size> encode(const Prologue& prologue);
[[nodiscard]] std::array<std::byte, chunk_header_size> encode(const ChunkHeader& header);
[[nodiscard]] std::array<std::byte, trailer_size> encode_trailer(std::uint64_t index_offset);

// A part of the file as read: the value, or what is wrong with it.
template <class T>
struct Parsed {
  std::optional<T> value;
  std::string_view problem;
};

[[nodiscard]] Parsed<Prologue> parse_prologue(std::span<const std::byte, prologue_size> bytes);
[[nodiscard]] Parsed<ChunkHeader> parse_chunk_header(std::span<const std::byte, chunk_header_size> bytes);
// The offset of the index chunk.
[[nodiscard]] Parsed<std::uint64_t> parse_trailer(std::span<const std::byte, trailer_size> bytes);

// Of a payload: XXH3; before format 5, xxh64, which takes 50 ms for 500 MB.
inline constexpr std::uint32_t first_version_with_xxh3 = 5;
[[nodiscard]] std::uint64_t checksum_of(std::span<const std::byte> bytes, std::uint32_t format_version);
// As trace_format_version has it.
[[nodiscard]] std::uint64_t checksum_of(std::span<const std::span<const std::byte>> parts);

}  // namespace rec::layout

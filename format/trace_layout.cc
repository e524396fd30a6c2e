#include "format/trace_layout.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "format/block_hash.h"

namespace rec::layout {
namespace {

static_assert(std::endian::native == std::endian::little, "the file's structs are copied as they are");

// One of the 16 numbers that RFC 8878 sets aside for skippable frames.
constexpr std::uint32_t skippable_magic = 0x184D2A5A;
constexpr std::array<char, 8> prologue_tag = {'r', 'e', 'c', 't', 'r', 'a', 'c', 'e'};
constexpr std::array<char, 8> trailer_tag = {'r', 'e', 'c', 'i', 'n', 'd', 'e', 'x'};
constexpr std::array<char, 4> chunk_tag = {'R', 'E', 'C', 'C'};
constexpr std::size_t frame_header_size = 8;
// zstd grows what it cannot shrink by less than 1/128 (ZSTD_COMPRESSBOUND).
constexpr std::uint64_t max_compressed_size = max_raw_size + max_raw_size / 128;
constexpr std::uint8_t flag_has_contents = 1;
constexpr std::uint8_t flag_blocks_by_hash = 2;

struct FilePrologue {
  std::uint32_t magic;
  std::uint32_t frame_size;
  std::array<char, 8> tag;
  std::uint32_t format_version;
  std::uint32_t reserved;
  std::array<char, 16> rec_version;
  std::uint64_t checksum;
};
static_assert(sizeof(FilePrologue) == prologue_size);

struct FileChunkHeader {
  std::uint32_t magic;
  std::uint32_t frame_size;
  std::array<char, 4> tag;
  std::uint8_t kind;
  std::uint8_t flags;
  std::uint16_t reserved;
  std::uint64_t first_event;
  std::uint32_t event_count;
  std::uint32_t raw_size;
  std::uint64_t compressed_size;
  std::uint64_t first_ns;
  std::uint64_t last_ns;
  std::uint64_t payload_checksum;
  std::uint64_t checksum;
};
static_assert(sizeof(FileChunkHeader) == chunk_header_size);

struct FileTrailer {
  std::uint32_t magic;
  std::uint32_t frame_size;
  std::array<char, 8> tag;
  std::uint64_t index_offset;
  std::uint64_t checksum;
};
static_assert(sizeof(FileTrailer) == trailer_size);

// The checksum is the last member and covers all bytes before it.
template <class T>
std::uint64_t own_checksum(const T& part) {
  return XXH64(&part, sizeof part - sizeof part.checksum, 0);
}

template <class T>
std::array<std::byte, sizeof(T)> sealed(T part) {
  part.magic = skippable_magic;
  part.frame_size = sizeof part - frame_header_size;
  part.checksum = own_checksum(part);
  return std::bit_cast<std::array<std::byte, sizeof(T)>>(part);
}

template <class T>
T unsealed(std::span<const std::byte, sizeof(T)> bytes) {
  T part;
  std::memcpy(&part, bytes.data(), sizeof part);
  return part;
}

template <class T>
bool is_frame(const T& part) {
  return part.magic == skippable_magic && part.frame_size == sizeof part - frame_header_size;
}

}  // namespace

std::uint8_t flags_of(const ChunkHeader& header) {
  const int flags =
      (header.has_contents ? flag_has_contents : 0) | (header.blocks_by_hash ? flag_blocks_by_hash : 0);
  return static_cast<std::uint8_t>(flags);
}

bool set_flags(ChunkHeader& header, std::uint8_t flags) {
  header.has_contents = (flags & flag_has_contents) != 0;
  header.blocks_by_hash = (flags & flag_blocks_by_hash) != 0;
  return !header.blocks_by_hash || header.kind == ChunkKind::content;
}

std::array<std::byte, prologue_size> encode(const Prologue& prologue) {
  FilePrologue file{};
  file.tag = prologue_tag;
  file.format_version = prologue.format_version;
  const std::size_t length = std::min(prologue.rec_version.size(), file.rec_version.size() - 1);
  std::copy_n(prologue.rec_version.begin(), length, file.rec_version.begin());
  return sealed(file);
}

std::array<std::byte, chunk_header_size> encode(const ChunkHeader& header) {
  FileChunkHeader file{};
  file.tag = chunk_tag;
  file.kind = static_cast<std::uint8_t>(header.kind);
  file.flags = flags_of(header);
  file.first_event = header.first_event;
  file.event_count = header.event_count;
  file.raw_size = header.raw_size;
  file.compressed_size = header.compressed_size;
  file.first_ns = header.first_ns;
  file.last_ns = header.last_ns;
  file.payload_checksum = header.checksum;
  return sealed(file);
}

std::array<std::byte, trailer_size> encode_trailer(std::uint64_t index_offset) {
  FileTrailer file{};
  file.tag = trailer_tag;
  file.index_offset = index_offset;
  return sealed(file);
}

Parsed<Prologue> parse_prologue(std::span<const std::byte, prologue_size> bytes) {
  const auto file = unsealed<FilePrologue>(bytes);
  if (!is_frame(file) || file.tag != prologue_tag) return {{}, "it does not begin as one"};
  if (file.checksum != own_checksum(file)) return {{}, "the checksum of its first bytes does not match"};
  const auto end = std::find(file.rec_version.begin(), file.rec_version.end(), '\0');
  return {Prologue{file.format_version, std::string(file.rec_version.begin(), end)}, {}};
}

Parsed<ChunkHeader> parse_chunk_header(std::span<const std::byte, chunk_header_size> bytes) {
  const auto file = unsealed<FileChunkHeader>(bytes);
  if (!is_frame(file) || file.tag != chunk_tag) return {{}, "there is no chunk header"};
  if (file.checksum != own_checksum(file)) return {{}, "the header's checksum does not match"};
  if (file.kind > static_cast<std::uint8_t>(ChunkKind::index)) return {{}, "its kind is unknown"};
  if (file.raw_size > max_raw_size) return {{}, "it would unpack to more than 256 MiB"};
  if (file.compressed_size > max_compressed_size) return {{}, "its payload is larger than any chunk's"};
  if (file.event_count > max_events_per_chunk) return {{}, "it claims too many events"};
  ChunkHeader header;
  header.kind = static_cast<ChunkKind>(file.kind);
  header.first_event = file.first_event;
  header.event_count = file.event_count;
  header.raw_size = file.raw_size;
  header.compressed_size = file.compressed_size;
  header.first_ns = file.first_ns;
  header.last_ns = file.last_ns;
  header.checksum = file.payload_checksum;
  if (!set_flags(header, file.flags)) return {{}, "its flags are not those of its kind"};
  if (header.kind != ChunkKind::events && header.event_count != 0)
    return {{}, "a chunk without events counts some"};
  return {header, {}};
}

Parsed<std::uint64_t> parse_trailer(std::span<const std::byte, trailer_size> bytes) {
  const auto file = unsealed<FileTrailer>(bytes);
  if (!is_frame(file) || file.tag != trailer_tag) return {{}, "there is no trailer"};
  if (file.checksum != own_checksum(file)) return {{}, "the trailer's checksum does not match"};
  return {file.index_offset, {}};
}

std::uint64_t checksum_of(std::span<const std::byte> bytes, std::uint32_t format_version) {
  if (format_version < first_version_with_xxh3) return XXH64(bytes.data(), bytes.size(), 0);
  return checksum_of(std::span(&bytes, 1));
}

std::uint64_t checksum_of(std::span<const std::span<const std::byte>> parts) { return hash_of_parts(parts); }

}  // namespace rec::layout

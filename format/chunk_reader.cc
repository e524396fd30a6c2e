#define ZSTD_STATIC_LINKING_ONLY  // ZSTD_d_forceIgnoreChecksum: in the shared library, too, since 1.4.8
#include "format/chunk_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <new>

#include "format/base/error.h"
#include "format/base/zeros.h"
#include "format/stored_blocks.h"
#include "format/stored_frame.h"
#include "format/trace.h"
#include "format/trace_tables.h"

namespace rec {

using layout::ChunkPlace;

namespace {

// How many tables and levels a chunk may have; a writer's largest (the index with all contents) has far
// fewer.
constexpr flatbuffers::uoffset_t max_tables = 8'000'000;
constexpr flatbuffers::uoffset_t max_depth = 16;
// Size prefix, root offset, identifier and the least table: the verifier of FlatBuffers 2.0 looks at the
// identifier before it knows that so much is there.
constexpr std::size_t least_raw_size = 16;

ZSTD_DCtx* make_decompressor() {
  ZSTD_DCtx* made = ZSTD_createDCtx();
  if (made == nullptr) throw std::bad_alloc();
  // What the frame's own checksum could tell, that of the compressed bytes or of each block does. A library
  // that does not know of this checks once more.
  (void)ZSTD_DCtx_setParameter(made, ZSTD_d_forceIgnoreChecksum, ZSTD_d_ignoreChecksum);
  return made;
}

// Of a chunk with ChunkHeader::blocks_by_hash; empty: nothing.
std::string_view problem_with(const fb::Chunk& chunk, std::span<const std::byte> raw,
                              std::uint64_t checksum) {
  try {
    const fb::Blocks& blocks = blocks_in(chunk);
    if (layout::checksum_of(around(blocks, raw)) != checksum) return "checksum does not match";
    return match_their_hashes(blocks) ? "" : "a block does not match its hash";
  } catch (const Implausible& implausible) {
    return implausible.problem;
  }
}

}  // namespace

std::span<std::byte> RawChunk::resize(std::size_t size) {
  if (size > capacity_) {
    memory_ = std::make_unique_for_overwrite<std::byte[]>(size);
    capacity_ = size;
  }
  size_ = size;
  return {memory_.get(), size};
}

ChunkReader::ChunkReader(const std::string& path)
    // O_NONBLOCK: a FIFO is to be refused, not waited for.
    : path_(path),
      fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)),
      decompressor_(make_decompressor()) {
  if (!fd_.is_open()) fail_with_errno(fmt::format("cannot open the trace {}", path_));
  struct stat status {};
  if (::fstat(fd_.get(), &status) != 0) fail_with_errno(fmt::format("cannot open the trace {}", path_));
  if (S_ISDIR(status.st_mode)) fail("{} is a directory, not a trace", path_);
  if (!S_ISREG(status.st_mode)) fail("{} is not a regular file and so not a trace", path_);
  file_size_ = static_cast<std::uint64_t>(status.st_size);
  if (file_size_ == 0) fail("{} is empty: no trace was written to it", path_);
  std::array<std::byte, layout::prologue_size> bytes{};
  if (read_at(0, bytes) < bytes.size()) fail("{} is not a trace: it is too short", path_);
  const auto prologue = layout::parse_prologue(bytes);
  if (!prologue.value) fail("{} is not a trace: {}", path_, prologue.problem);
  format_version_ = prologue.value->format_version;
  if (format_version_ > trace_format_version)
    fail("{} was recorded by rec {} in trace format {}; this rec reads formats up to {}. Use rec {} or newer",
         path_, prologue.value->rec_version, prologue.value->format_version, trace_format_version,
         prologue.value->rec_version);
}

ChunkReader ChunkReader::once_more() const {
  ChunkReader other;
  other.path_ = path_;
  other.fd_ = UniqueFd(::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0));
  if (!other.fd_.is_open()) fail_with_errno(fmt::format("cannot open the trace {} once more", path_));
  other.file_size_ = file_size_;
  other.format_version_ = format_version_;
  other.decompressor_.reset(make_decompressor());
  return other;
}

// Short only at the end of the file.
std::size_t ChunkReader::read_at(std::uint64_t offset, std::span<std::byte> buffer) const {
  std::size_t done = 0;
  while (done < buffer.size()) {
    const ssize_t got =
        ::pread(fd_.get(), buffer.data() + done, buffer.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_with_errno(fmt::format("cannot read the trace {}", path_));
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

bool ChunkReader::is_zero_from(std::uint64_t offset) const {
  std::array<std::byte, 4096> piece{};
  while (const std::size_t got = read_at(offset, piece)) {
    if (!is_zero(std::span(piece).first(got))) return false;
    offset += got;
  }
  return true;
}

std::optional<ChunkPlace> ChunkReader::find(std::uint64_t offset, std::string_view& problem) const {
  problem = {};
  std::array<std::byte, layout::chunk_header_size> bytes{};
  if (offset > file_size_ || read_at(offset, bytes) < bytes.size()) return std::nullopt;
  const auto parsed = layout::parse_chunk_header(bytes);
  if (!parsed.value) {
    if (!is_zero_from(offset)) problem = parsed.problem;
    return std::nullopt;
  }
  const ChunkPlace place{offset, *parsed.value};
  if (place.header.compressed_size > file_size_ - place.payload_offset()) return std::nullopt;
  return place;
}

std::optional<ChunkPlace> ChunkReader::find_index() const {
  if (file_size_ < layout::prologue_size + layout::trailer_size) return std::nullopt;
  std::array<std::byte, layout::trailer_size> bytes{};
  const std::uint64_t trailer_offset = file_size_ - layout::trailer_size;
  if (read_at(trailer_offset, bytes) < bytes.size()) return std::nullopt;
  const auto offset = layout::parse_trailer(bytes);
  if (!offset.value || *offset.value >= trailer_offset) return std::nullopt;
  std::string_view problem;
  const auto place = find(*offset.value, problem);
  if (!place || place->header.kind != layout::ChunkKind::index || place->end() != trailer_offset)
    return std::nullopt;
  return place;
}

bool ChunkReader::is_intact(const ChunkPlace& place) {
  if (place.header.blocks_by_hash) {
    try {
      RawChunk raw;
      (void)load(place, 0, raw, Checksum::of_all);
      return true;
    } catch (const Error&) {
      return false;
    }
  }
  const auto compressed = compressed_.resize(place.header.compressed_size);
  return read_at(place.payload_offset(), compressed) == compressed.size() &&
         layout::checksum_of(compressed, format_version_) == place.header.checksum;
}

const fb::Chunk& ChunkReader::load(const ChunkPlace& place, std::size_t number, RawChunk& into,
                                   Checksum checksum) {
  // Of file content, each block is compared with its own hash when somebody wants it.
  const bool is_checked = checksum == Checksum::of_all || place.header.kind != layout::ChunkKind::content;
  const bool by_hash = place.header.blocks_by_hash;
  const auto raw = into.resize(place.header.raw_size);
  const bool is_stored = (by_hash || !is_checked) && read_stored(place, raw);
  if (!is_stored) unpack(place, number, raw, is_checked && !by_hash);
  const fb::Chunk* root = verified_chunk(raw);
  if (root == nullptr) fail_damaged(place.offset, number, "its structure is not that of a chunk");
  if (is_checked && by_hash) {
    const std::string_view problem =
        is_stored ? problem_with(*root, raw, place.header.checksum) : "it is not stored as its header says";
    if (!problem.empty()) fail_damaged(place.offset, number, problem);
  }
  return *root;
}

void ChunkReader::unpack(const ChunkPlace& place, std::size_t number, std::span<std::byte> raw,
                         bool is_checked) {
  const auto damaged = [&](std::string_view problem) { fail_damaged(place.offset, number, problem); };
  const std::size_t size = layout::chunk_header_size + place.header.compressed_size;
  const std::span<const std::byte> chunk = [&] {
    const auto buffer = compressed_.resize(size);
    if (read_at(place.offset, buffer) < size) damaged("the file ends inside of it");
    return buffer;
  }();
  const auto header = layout::parse_chunk_header(chunk.first<layout::chunk_header_size>());
  if (!header.value) damaged(header.problem);
  if (*header.value != place.header) damaged("its header is not what the index says");
  const auto payload = chunk.subspan(layout::chunk_header_size);
  if (is_checked && layout::checksum_of(payload, format_version_) != place.header.checksum)
    damaged("checksum does not match");

  const std::size_t unpacked =
      ZSTD_decompressDCtx(decompressor_.get(), raw.data(), raw.size(), payload.data(), payload.size());
  if (ZSTD_isError(unpacked) != 0)
    damaged(fmt::format("it cannot be unpacked ({})", ZSTD_getErrorName(unpacked)));
  if (unpacked != raw.size()) damaged("it unpacks to another size than its header says");
}

// A chunk whose payload is as long as a stored frame of its content would be most probably is one: then the
// content is read straight to where it belongs. False: it is not, or something is wrong with it, which
// unpack() will find.
bool ChunkReader::read_stored(const ChunkPlace& place, std::span<std::byte> raw) const {
  const std::span<const std::byte> content = raw;
  const StoredFrame frame(std::span(&content, 1));
  if (frame.size() != place.header.compressed_size) return false;
  const auto chunk_header = layout::encode(place.header);
  const std::size_t size = chunk_header.size() + frame.size();

  // What is around the content goes here, to be compared with what belongs there.
  std::vector<std::byte> expected(chunk_header.begin(), chunk_header.end());
  std::vector<std::byte> around(size - raw.size());
  std::vector<iovec> places{{around.data(), chunk_header.size()}};
  std::size_t at = 0;
  for (const auto& part : frame.parts()) {
    const bool is_content = part.data() >= content.data() && part.data() < content.data() + content.size();
    if (is_content) {
      places.push_back({raw.data() + at, part.size()});
      at += part.size();
    } else {
      places.push_back({around.data() + expected.size(), part.size()});
      expected.insert(expected.end(), part.begin(), part.end());
    }
  }
  return read_at(place.offset, places) && around == expected;
}

// False: there is less, or it cannot be read.
bool ChunkReader::read_at(std::uint64_t offset, std::span<const iovec> places) const {
  while (!places.empty()) {
    const auto some = places.first(std::min<std::size_t>(places.size(), IOV_MAX));
    ssize_t wanted = 0;
    for (const iovec& place : some) wanted += static_cast<ssize_t>(place.iov_len);
    const ssize_t got =
        ::preadv(fd_.get(), some.data(), static_cast<int>(some.size()), static_cast<off_t>(offset));
    if (got != wanted) return false;
    offset += static_cast<std::uint64_t>(wanted);
    places = places.subspan(some.size());
  }
  return true;
}

const fb::Chunk* verified_chunk(std::span<const std::byte> raw) {
  if (raw.size() < least_raw_size) return nullptr;
  flatbuffers::Verifier verifier(reinterpret_cast<const std::uint8_t*>(raw.data()), raw.size(), max_depth,
                                 max_tables);
  return fb::VerifySizePrefixedChunkBuffer(verifier) ? fb::GetSizePrefixedChunk(raw.data()) : nullptr;
}

void ChunkReader::fail_damaged(std::uint64_t offset, std::size_t number, std::string_view problem) const {
  fail("{}: chunk {} at offset {} is damaged: {}", path_, number, offset, problem);
}

}  // namespace rec

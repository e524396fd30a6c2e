#include "tests/fuzz/payloads.h"

#include <zstd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>

#include "format/chunk_reader.h"
#include "format/trace.h"
#include "format/trace_layout.h"

namespace rec::fuzz {
namespace {

using layout::ChunkHeader;
using layout::ChunkKind;

template <class Bytes>
void put(std::vector<std::byte>& to, const Bytes& bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

// What the chunk's header says of its body. nullopt: an index, or nothing known.
std::optional<ChunkHeader> header_for(const fb::Chunk& chunk, std::uint64_t events_before) {
  ChunkHeader header{.first_event = events_before};
  if (chunk.body_as_Header() != nullptr) return header;
  if (const fb::Events* events = chunk.body_as_Events()) {
    header.kind = ChunkKind::events;
    header.has_contents = events->contents() != nullptr;
    header.event_count = std::min(events->count(), layout::max_events_per_chunk);
    header.last_ns = ~std::uint64_t{0};
    return header;
  }
  if (chunk.body_as_Blocks() == nullptr) return std::nullopt;
  header.kind = ChunkKind::content;
  return header;
}

}  // namespace

std::vector<std::byte> payloads_of(const std::string& trace) {
  std::vector<std::byte> payloads;
  ChunkReader reader(trace);
  std::uint64_t offset = layout::prologue_size;
  std::string_view problem;
  for (std::size_t number = 0; const auto place = reader.find(offset, problem); ++number) {
    RawChunk raw;
    (void)reader.load(*place, number, raw);
    if (place->header.kind != ChunkKind::index) put(payloads, raw.bytes());
    offset = place->end();
  }
  return payloads;
}

std::vector<std::byte> trace_of(std::span<const std::byte> payloads) {
  std::vector<std::byte> trace;
  put(trace, layout::encode(layout::Prologue{trace_format_version, "fuzz"}));
  std::uint64_t events = 0;
  RawChunk raw;
  std::vector<std::byte> compressed;
  while (payloads.size() > sizeof(std::uint32_t)) {
    std::uint32_t body = 0;
    std::memcpy(&body, payloads.data(), sizeof body);
    const std::size_t size = std::min<std::size_t>(payloads.size(), std::size_t{body} + sizeof body);
    std::copy_n(payloads.begin(), size, raw.resize(size).begin());
    payloads = payloads.subspan(size);
    const fb::Chunk* chunk = verified_chunk(raw.bytes());
    auto header = chunk == nullptr ? std::nullopt : header_for(*chunk, events);
    if (!header) return {};
    compressed.resize(ZSTD_compressBound(size));
    compressed.resize(ZSTD_compress(compressed.data(), compressed.size(), raw.bytes().data(), size, -5));
    header->raw_size = static_cast<std::uint32_t>(size);
    header->compressed_size = compressed.size();
    header->checksum = layout::checksum_of(compressed, trace_format_version);
    put(trace, layout::encode(*header));
    put(trace, compressed);
    events += header->event_count;
  }
  return trace;
}

}  // namespace rec::fuzz

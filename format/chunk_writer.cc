#include "format/chunk_writer.h"

#include <new>

#include "format/base/error.h"
#include "format/trace_tables.h"

namespace rec {

using layout::ChunkHeader;
using layout::ChunkKind;
using layout::ChunkPlace;

namespace {
constexpr int best_level = 3;
}  // namespace

ChunkWriter::ChunkWriter(const std::string& path, const TraceHeader& header)
    : file_(path), compressor_(ZSTD_createCCtx()) {
  if (compressor_ == nullptr) throw std::bad_alloc();
  // zstd's own checksum is for `zstd -t`; ours covers the compressed bytes, so that it is known before
  // unpacking.
  ZSTD_CCtx_setParameter(compressor_.get(), ZSTD_c_checksumFlag, 1);
  file_.append(layout::encode(layout::Prologue{header.format_version, header.rec_version}), {});
  builder_.Clear();
  finish_chunk(builder_, pack(builder_, header));
  remember(write_chunk(ChunkHeader{.kind = ChunkKind::header}, best_level), {});
}

void ChunkWriter::write(const EventBatch& batch, int level) {
  if (!batch.blocks.empty()) write_blocks(batch.blocks, level);
  if (batch.events.empty() && batch.contents.empty()) return;
  encoder_.encode(batch, builder_);
  ChunkHeader header{.kind = ChunkKind::events,
                     .has_contents = !batch.contents.empty(),
                     .first_event = batch.first.value(),
                     .event_count = static_cast<std::uint32_t>(batch.events.size()),
                     .first_ns = encoder_.first_ns(),
                     .last_ns = encoder_.last_ns()};
  remember(write_chunk(header, level), encoder_.tasks());
}

void ChunkWriter::write_blocks(const std::vector<EventBatch::Block>& blocks, int level) {
  std::size_t total = 0;
  for (const EventBatch::Block& block : blocks) total += block.bytes.size();
  builder_.Clear();
  std::uint8_t* bytes = nullptr;
  const auto bytes_vector = builder_.CreateUninitializedVector(total, &bytes);
  std::vector<fb::BlockPlace> places;
  std::size_t offset = 0;
  for (const EventBatch::Block& block : blocks) {
    places.emplace_back(to_fb(block.hash), static_cast<std::uint32_t>(offset),
                        static_cast<std::uint32_t>(block.bytes.size()));
    std::copy(block.bytes.begin(), block.bytes.end(), reinterpret_cast<std::byte*>(bytes) + offset);
    offset += block.bytes.size();
  }
  finish_chunk(builder_, fb::CreateBlocks(builder_, builder_.CreateVectorOfStructs(places), bytes_vector));
  const auto chunk = static_cast<std::uint32_t>(chunks_.size());
  remember(write_chunk(ChunkHeader{.kind = ChunkKind::content}, level), {});
  for (const EventBatch::Block& block : blocks) blocks_.emplace_back(to_fb(block.hash), chunk);
}

ChunkPlace ChunkWriter::write_chunk(ChunkHeader header, int level) {
  const std::span raw(builder_.GetBufferPointer(), builder_.GetSize());
  if (raw.size() > layout::max_raw_size)
    fail("a chunk of the trace would have {} bytes, more than the format allows", raw.size());
  compressed_.resize(ZSTD_compressBound(raw.size()));
  ZSTD_CCtx_setParameter(compressor_.get(), ZSTD_c_compressionLevel, level);
  const std::size_t size =
      ZSTD_compress2(compressor_.get(), compressed_.data(), compressed_.size(), raw.data(), raw.size());
  ENSURE(ZSTD_isError(size) == 0, "zstd: {}", ZSTD_getErrorName(size));
  const auto payload = std::span<const std::byte>(compressed_).first(size);
  header.raw_size = static_cast<std::uint32_t>(raw.size());
  header.compressed_size = size;
  header.checksum = layout::checksum_of(payload);
  const std::uint64_t offset = file_.size();
  file_.append(layout::encode(header), payload);
  return {offset, header};
}

void ChunkWriter::remember(const ChunkPlace& place, std::span<const std::int32_t> tasks) {
  const ChunkHeader& header = place.header;
  chunks_.emplace_back(place.offset, header.compressed_size, header.first_event, header.first_ns,
                       header.last_ns, header.checksum, header.event_count, header.raw_size,
                       static_cast<std::uint32_t>(tasks_.size()), static_cast<std::uint32_t>(tasks.size()),
                       static_cast<std::uint8_t>(header.kind),
                       static_cast<std::uint8_t>(header.has_contents));
  tasks_.insert(tasks_.end(), tasks.begin(), tasks.end());
}

void ChunkWriter::finish(const std::vector<Content>& contents, const TraceSummary& summary) {
  builder_.Clear();
  std::vector<flatbuffers::Offset<fb::Content>> packed;
  packed.reserve(contents.size());
  for (const Content& content : contents) packed.push_back(pack(builder_, content));
  const auto contents_vector = builder_.CreateVector(packed);
  const auto chunks = builder_.CreateVectorOfStructs(chunks_);
  const auto tasks = builder_.CreateVector(tasks_);
  const auto blocks = builder_.CreateVectorOfStructs(blocks_);
  const auto packed_summary = pack(builder_, summary);
  finish_chunk(builder_, fb::CreateIndex(builder_, chunks, tasks, blocks, contents_vector, packed_summary));
  const ChunkPlace index = write_chunk(ChunkHeader{.kind = ChunkKind::index}, best_level);
  file_.append(layout::encode_trailer(index.offset), {});
  file_.close();
}

}  // namespace rec

#include "format/chunk_writer.h"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <new>
#include <set>
#include <utility>

#include "format/base/error.h"
#include "format/stored_frame.h"
#include "format/trace_tables.h"

namespace rec {

using layout::ChunkHeader;
using layout::ChunkKind;
using layout::ChunkPlace;

namespace {
constexpr int default_level = 3;
constexpr std::uint64_t no_limit = ~std::uint64_t{0};
// For chunk headers, trailer, the last note, and what FlatBuffers and zstd put around the index.
constexpr std::uint64_t tail_overhead = 4096;

std::uint64_t bytes_in_index(const Content& content) {
  constexpr std::uint64_t table = 64;
  return table + content.path.size() + content.blocks.size() * sizeof(fb::ContentBlock);
}

// Which blocks the file does not have is left out of `contents`.
void keep_blocks(std::vector<Content>& contents, const std::vector<fb::BlockEntry>& stored) {
  std::set<BlockHash> known;
  for (const fb::BlockEntry& entry : stored) known.insert(from_fb(entry.hash()));
  for (Content& content : contents)
    std::erase_if(content.blocks, [&](const Content::Block& block) { return !known.contains(block.hash); });
}
}  // namespace

ChunkWriter::ChunkWriter(const std::string& path, const TraceHeader& header, std::uint64_t max_size)
    : file_(path, max_size == 0 ? no_limit : max_size),
      max_size_(max_size == 0 ? no_limit : max_size),
      compressor_(ZSTD_createCCtx()),
      sampler_(ZSTD_createCCtx()) {
  if (compressor_ == nullptr || sampler_ == nullptr) throw std::bad_alloc();
  why_max_size_ = fmt::format("the trace has reached the size it may have, {} bytes", max_size_);
  // setrlimit(2): a write beyond it fails. Known in advance, it leaves room for the index.
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
      limit.rlim_cur < max_size_) {
    max_size_ = limit.rlim_cur;
    why_max_size_ = fmt::format("the trace has reached the limit for files, {} bytes (ulimit -f)", max_size_);
  }
  // zstd's own checksum is for `zstd -t`; ours covers the compressed bytes, so that it is known before
  // unpacking.
  ZSTD_CCtx_setParameter(compressor_.get(), ZSTD_c_checksumFlag, 1);
  file_.append(layout::encode(layout::Prologue{header.format_version, header.rec_version}));
  builder_.Clear();
  finish_chunk(builder_, pack(builder_, header));
  remember(write_chunk(ChunkHeader{.kind = ChunkKind::header}, default_level), {});
}

void ChunkWriter::write(const EventBatch& batch, int level) {
  file_.drop_replaced();
  if (!batch.blocks.empty()) write_blocks(batch.blocks, level);
  if (batch.count == 0 && batch.contents.empty()) return;
  for (const Content& content : batch.contents) content_bytes_ += bytes_in_index(content);
  encoder_.encode(batch, builder_);
  ChunkHeader header{.kind = ChunkKind::events,
                     .has_contents = !batch.contents.empty(),
                     .first_event = batch.first.value(),
                     .event_count = batch.count,
                     .first_ns = encoder_.first_ns(),
                     .last_ns = encoder_.last_ns()};
  remember(write_chunk(header, level), encoder_.tasks());
}

void ChunkWriter::write_blocks(const std::vector<EventBatch::Block>& blocks, int level) {
  std::size_t total = 0;
  for (const EventBatch::Block& block : blocks) total += block.bytes.size();
  builder_.Clear();
  std::uint8_t* room = nullptr;
  const auto bytes_vector = builder_.CreateUninitializedVector(total, &room);
  std::vector<fb::BlockPlace> places;
  std::size_t offset = 0;
  for (const EventBatch::Block& block : blocks) {
    places.emplace_back(to_fb(block.hash), static_cast<std::uint32_t>(offset),
                        static_cast<std::uint32_t>(block.bytes.size()));
    offset += block.bytes.size();
  }
  finish_chunk(builder_, fb::CreateBlocks(builder_, builder_.CreateVectorOfStructs(places), bytes_vector));
  // An offset counts from the buffer's end, and leads to the vector's length.
  std::byte* const raw = reinterpret_cast<std::byte*>(builder_.GetBufferPointer());
  std::byte* const bytes = raw + builder_.GetSize() - bytes_vector.o + sizeof(flatbuffers::uoffset_t);
  const auto chunk = static_cast<std::uint32_t>(chunks_.size());
  was_worth_compressing_ = level > default_level || is_worth_compressing(blocks);
  if (was_worth_compressing_) {
    std::byte* to = bytes;
    for (const EventBatch::Block& block : blocks) to = std::copy(block.bytes.begin(), block.bytes.end(), to);
    remember(write_chunk(ChunkHeader{.kind = ChunkKind::content}, level), {});
  } else {
    const std::array<std::span<const std::byte>, 2> around{
        {{raw, bytes}, {bytes + total, raw + builder_.GetSize()}}};
    std::vector<std::span<const std::byte>> pieces{around[0]};
    for (const EventBatch::Block& block : blocks) pieces.push_back(block.bytes);
    pieces.push_back(around[1]);
    const ChunkHeader header{.kind = ChunkKind::content,
                             .blocks_by_hash = true,
                             .raw_size = static_cast<std::uint32_t>(builder_.GetSize()),
                             .checksum = layout::checksum_of(around)};
    remember(append_chunk(header, StoredFrame(pieces).parts(), Part::body), {});
  }
  for (const EventBatch::Block& block : blocks) blocks_.emplace_back(to_fb(block.hash), chunk);
}

std::uint64_t ChunkWriter::room_for_tail() const {
  const std::uint64_t index = chunks_.size() * sizeof(fb::ChunkEntry) + tasks_.size() * sizeof(std::int32_t) +
                              blocks_.size() * sizeof(fb::BlockEntry) + content_bytes_;
  return ZSTD_COMPRESSBOUND(index) + tail_overhead;
}

ChunkPlace ChunkWriter::write_chunk(ChunkHeader header, int level, Part part) {
  const std::span raw(builder_.GetBufferPointer(), builder_.GetSize());
  const std::span<const std::byte> payload = compress(compressor_.get(), std::as_bytes(raw), level);
  header.raw_size = static_cast<std::uint32_t>(raw.size());
  header.checksum = layout::checksum_of(std::span(&payload, 1));
  return append_chunk(header, std::span(&payload, 1), part);
}

// There until the next call.
std::span<const std::byte> ChunkWriter::compress(ZSTD_CCtx* compressor, std::span<const std::byte> bytes,
                                                 int level) {
  compressed_.resize(ZSTD_compressBound(bytes.size()));
  ZSTD_CCtx_setParameter(compressor, ZSTD_c_compressionLevel, level);
  const std::size_t size =
      ZSTD_compress2(compressor, compressed_.span().data(), compressed_.size(), bytes.data(), bytes.size());
  ENSURE(ZSTD_isError(size) == 0, "zstd: {}", ZSTD_getErrorName(size));
  return compressed_.span().first(size);
}

// Judged by samples, evenly spread over all blocks: finding out that megabytes of images or archives do not
// get smaller would take longer than writing them. Where they did not the last time, one sample has to do.
bool ChunkWriter::is_worth_compressing(const std::vector<EventBatch::Block>& blocks) {
  constexpr std::size_t sample = 4096;
  constexpr std::size_t fewest = 3, most = 7;
  constexpr std::size_t far_apart = 128 << 10;
  std::size_t total = 0;
  for (const EventBatch::Block& block : blocks) total += block.bytes.size();
  const std::size_t step =
      was_worth_compressing_ ? std::max(total / most, std::min(total / fewest, far_apart)) : total;
  if (step < sample) return true;
  const std::uint64_t all = total / step * sample;
  std::uint64_t looked_at = 0;
  std::uint64_t compressed = 0;
  std::size_t next = step / 2;  // sample, counted from the block's beginning
  for (const EventBatch::Block& block : blocks) {
    const std::span<const std::byte> bytes = block.bytes;
    for (; next < bytes.size(); next += step) {
      if (looked_at > compressed + all / 64) return true;  // whatever the others are
      const auto piece = bytes.subspan(next).first(std::min(sample, bytes.size() - next));
      looked_at += piece.size();
      compressed += compress(sampler_.get(), piece, 1).size();
    }
    next -= bytes.size();
  }
  return compressed < looked_at - looked_at / 64;
}

ChunkPlace ChunkWriter::append_chunk(ChunkHeader header, std::span<const std::span<const std::byte>> payload,
                                     Part part) {
  if (header.raw_size > layout::max_raw_size)
    fail("a chunk of the trace would have {} bytes, more than the format allows", header.raw_size);
  std::uint64_t size = 0;
  for (const std::span<const std::byte> piece : payload) size += piece.size();
  header.compressed_size = size;
  const std::uint64_t offset = file_.size();
  const std::uint64_t end = offset + layout::chunk_header_size + size +
                            (part == Part::body ? room_for_tail() : layout::trailer_size);
  if (end > max_size_) throw Error(why_max_size_);
  file_.append(layout::encode(header), payload);
  return {offset, header};
}

void ChunkWriter::remember(const ChunkPlace& place, std::span<const std::int32_t> tasks) {
  const ChunkHeader& header = place.header;
  chunks_.emplace_back(place.offset, header.compressed_size, header.first_event, header.first_ns,
                       header.last_ns, header.checksum, header.event_count, header.raw_size,
                       static_cast<std::uint32_t>(tasks_.size()), static_cast<std::uint32_t>(tasks.size()),
                       static_cast<std::uint8_t>(header.kind), layout::flags_of(header));
  tasks_.insert(tasks_.end(), tasks.begin(), tasks.end());
  events_ += header.event_count;
}

// Takes off all chunks but the first `chunks`.
void ChunkWriter::drop_to(std::size_t chunks) {
  while (chunks_.size() > chunks) (void)drop_last_chunk();
}

// False: nothing but the header is left.
bool ChunkWriter::drop_last_chunk() {
  if (chunks_.size() <= 1) return false;
  const fb::ChunkEntry last = chunks_.back();
  file_.cut_to(last.offset());
  chunks_.pop_back();
  events_ -= last.event_count();
  tasks_.resize(last.first_task());
  std::erase_if(blocks_, [&](const fb::BlockEntry& entry) { return entry.chunk() == chunks_.size(); });
  return true;
}

void ChunkWriter::finish(const std::vector<Content>& contents, TraceSummary summary) {
  summary.events = events_;
  write_index(contents, summary);
  file_.close();
}

void ChunkWriter::finish_early(const std::vector<Content>& contents, const TraceSummary& summary,
                               const std::string& why) {
  for (;;) {
    const std::size_t chunks = chunks_.size();
    try {
      write_note(why);
      std::vector<Content> kept = contents;
      keep_blocks(kept, blocks_);
      TraceSummary whole = summary;
      whole.events = events_;
      write_index(kept, whole);
      file_.close();
      return;
    } catch (const Error&) {
      drop_to(chunks);
      if (!drop_last_chunk()) throw;
    }
  }
}

void ChunkWriter::write_note(const std::string& text) {
  EventBatch batch;
  batch.first = EventNumber(events_);
  const bool has_tasks = !tasks_.empty();
  std::uint64_t last_ns = 0;
  for (const fb::ChunkEntry& chunk : chunks_) last_ns = std::max(last_ns, chunk.last_ns());
  batch.add({.tid = Tid(has_tasks ? tasks_.front() : 0),
             .kind = EventKind::note,
             .flags = event_not_replayable,
             .enter_ns = last_ns,
             .leave_ns = last_ns},
            {});
  batch.extras.emplace_back(0, Extra{.text = text});
  encoder_.encode(batch, builder_);
  const ChunkHeader header{.kind = ChunkKind::events,
                           .first_event = batch.first.value(),
                           .event_count = 1,
                           .first_ns = last_ns,
                           .last_ns = last_ns};
  remember(write_chunk(header, default_level, Part::tail), encoder_.tasks());
}

void ChunkWriter::write_index(const std::vector<Content>& contents, const TraceSummary& summary) {
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
  const std::uint64_t before = file_.size();
  const ChunkPlace index = write_chunk(ChunkHeader{.kind = ChunkKind::index}, default_level, Part::tail);
  try {
    file_.append(layout::encode_trailer(index.offset));
  } catch (const Error&) {
    file_.cut_to(before);
    throw;
  }
}

}  // namespace rec

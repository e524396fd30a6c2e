// Writes a trace file chunk by chunk and remembers what its index needs. Used by one thread at a time.
#pragma once

#include <zstd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "format/base/raw_bytes.h"
#include "format/event_batch.h"
#include "format/event_encoder.h"
#include "format/output_file.h"
#include "format/trace.h"
#include "format/trace_generated.h"
#include "format/trace_layout.h"

namespace rec {

class ChunkWriter {
 public:
  // Creates the file and writes prologue and header chunk. Throws Error, as all here do when the file cannot
  // be written.
  // No chunk is written that would leave no room for the index below `max_size` bytes (0: no limit): that is
  // an Error, too.
  ChunkWriter(const std::string& path, const TraceHeader& header, std::uint64_t max_size);

  // Writes the batch: a content chunk if it has blocks, then an events chunk if it has events or announces
  // contents. `level` is zstd's.
  void write(const EventBatch& batch, int level);

  // Writes index and trailer and closes the file. `summary.events` is filled in here.
  void finish(const std::vector<Content>& contents, TraceSummary summary);

  // The same for a trace that ends before its program: with a note that says why as its last event. If there
  // is no room, chunks are taken off the end until there is.
  void finish_early(const std::vector<Content>& contents, const TraceSummary& summary,
                    const std::string& why);

  [[nodiscard]] std::uint64_t bytes_written() const { return file_.size(); }  // from any thread
  [[nodiscard]] std::uint64_t events_written() const {
    return events_.load(std::memory_order_relaxed);
  }  // from any thread

 private:
  void write_note(const std::string& text);
  void write_index(const std::vector<Content>& contents, const TraceSummary& summary);
  bool drop_last_chunk();
  void drop_to(std::size_t chunks);
  [[nodiscard]] std::uint64_t room_for_tail() const;
  void write_blocks(const std::vector<EventBatch::Block>& blocks, int level);
  // Compresses what `builder_` holds and writes it; fills in what `header` has to say about the payload.
  enum class Part { body, tail };  // the tail may use the room that is kept for it
  layout::ChunkPlace write_chunk(layout::ChunkHeader header, int level, Part part = Part::body);
  // `header` lacks only the payload's size.
  layout::ChunkPlace append_chunk(layout::ChunkHeader header,
                                  std::span<const std::span<const std::byte>> payload, Part part);
  [[nodiscard]] std::span<const std::byte> compress(ZSTD_CCtx* compressor, std::span<const std::byte> bytes,
                                                    int level);
  [[nodiscard]] bool is_worth_compressing(const std::vector<EventBatch::Block>& blocks);
  void remember(const layout::ChunkPlace& place, std::span<const std::int32_t> tasks);

  struct FreeContext {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  };

  OutputFile file_;
  std::uint64_t max_size_;
  std::string why_max_size_;
  std::atomic<std::uint64_t> events_ = 0;
  std::unique_ptr<ZSTD_CCtx, FreeContext> compressor_;
  std::unique_ptr<ZSTD_CCtx, FreeContext>
      sampler_;                        // going from small to large input and back takes its time
  bool was_worth_compressing_ = true;  // the content chunk before
  flatbuffers::FlatBufferBuilder builder_;
  EventEncoder encoder_;
  RawBytes compressed_;
  // The index, growing.
  std::vector<fb::ChunkEntry> chunks_;
  std::vector<std::int32_t> tasks_;
  std::vector<fb::BlockEntry> blocks_;
  std::uint64_t content_bytes_ = 0;  // that the contents take in it, at most
};

}  // namespace rec

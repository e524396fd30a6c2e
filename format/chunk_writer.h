// Writes a trace file chunk by chunk and remembers what its index needs. Used by one thread at a time.
#pragma once

#include <zstd.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

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
  ChunkWriter(const std::string& path, const TraceHeader& header);

  // Writes the batch: a content chunk if it has blocks, then an events chunk if it has events or announces
  // contents. `level` is zstd's.
  void write(const EventBatch& batch, int level);

  // Writes index and trailer and closes the file.
  void finish(const std::vector<Content>& contents, const TraceSummary& summary);

  [[nodiscard]] std::uint64_t bytes_written() const { return file_.size(); }  // from any thread

 private:
  void write_blocks(const std::vector<EventBatch::Block>& blocks, int level);
  // Compresses what `builder_` holds and writes it; fills in what `header` has to say about the payload.
  layout::ChunkPlace write_chunk(layout::ChunkHeader header, int level);
  void remember(const layout::ChunkPlace& place, std::span<const std::int32_t> tasks);

  struct FreeContext {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  };

  OutputFile file_;
  std::unique_ptr<ZSTD_CCtx, FreeContext> compressor_;
  flatbuffers::FlatBufferBuilder builder_;
  EventEncoder encoder_;
  std::vector<std::byte> compressed_;
  // The index, growing.
  std::vector<fb::ChunkEntry> chunks_;
  std::vector<std::int32_t> tasks_;
  std::vector<fb::BlockEntry> blocks_;
};

}  // namespace rec

// What a TraceReader has and does: reading is in trace_reader.cc, TraceReader::verify() in trace_verify.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "format/block_chunk.h"
#include "format/chunk_reader.h"
#include "format/event_decoder.h"
#include "format/read_ahead.h"
#include "format/trace_index.h"
#include "format/trace_reader.h"
#include "format/trace_tables.h"

namespace rec {

class TraceReader::Impl final : private BlockSource {
 public:
  explicit Impl(const std::string& path);

  [[nodiscard]] const TraceHeader& header() const { return header_; }
  [[nodiscard]] const std::optional<TraceSummary>& summary() const { return summary_; }
  [[nodiscard]] const std::string& why_incomplete() const { return why_incomplete_; }
  [[nodiscard]] bool is_damaged() const { return is_damaged_; }
  [[nodiscard]] std::uint64_t event_count() const { return map_.event_count; }
  [[nodiscard]] std::uint64_t file_size() const { return file_.file_size(); }
  [[nodiscard]] Sizes sizes() const;

  const Event* next();
  void seek(EventNumber number) { position_ = number.value(); }
  [[nodiscard]] std::optional<EventRange> chunk_with(Tid task, EventNumber from) const;
  [[nodiscard]] EventNumber near(std::uint64_t time_ns) const;
  std::vector<std::string> verify(std::size_t most);
  const Content& content(ContentId id);
  void read_ahead();
  std::span<const std::byte> block(const BlockHash& hash) { return find_block(hash, callers_block_); }

 private:
  void read_header();
  bool load_index();
  void scan();
  void take_index(const layout::ChunkPlace& place);
  bool open_at_position();
  void load_events(std::size_t number);
  std::size_t chunk_of_position() const;
  // Where in map_.events the chunk is that has the event.
  [[nodiscard]] std::size_t place_of_chunk_with(std::uint64_t event) const;
  void announce(const fb::Events& events, std::size_t number);
  void announce_next();
  void verify_chunks(std::vector<std::string>& problems, std::size_t most);
  void verify_events(std::vector<std::string>& problems, std::size_t most);
  void verify_blocks(std::vector<std::string>& problems, std::size_t most);
  [[nodiscard]] std::string problem_in_index(const fb::Chunk& chunk, std::size_t number) const;
  std::span<const std::byte> stored_block(const BlockHash& hash) override {
    return find_block(hash, own_block_);
  }
  std::span<const std::byte> find_block(const BlockHash& hash, BlockChunk& in);
  void load_blocks(std::size_t number, BlockChunk& into);
  void see_all_content_chunks();
  std::span<const std::byte> take_block(const BlockHash& hash, BlockChunk& from);
  [[noreturn]] void fail_damaged(std::size_t number, std::string_view problem) const {
    file_.fail_damaged(map_.chunks.at(number).offset, number, problem);
  }

  std::string path_;
  ChunkReader file_;
  TraceHeader header_;
  ChunkMap map_;
  std::optional<TraceSummary> summary_;
  std::string why_incomplete_;
  bool is_damaged_ = false;
  std::string damage_;  // a damaged chunk header ends what a scan can find

  std::uint64_t position_ = 0;  // of the event that next() returns
  RawChunk events_raw_;
  std::size_t events_number_ = 0;  // the chunk that decoder_ reads
  std::optional<EventDecoder> decoder_;

  std::vector<IndexContents::TaskRange> task_ranges_;  // see IndexContents; empty without an index
  std::vector<std::int32_t> tasks_;

  std::unordered_map<std::uint32_t, Content> contents_;
  std::size_t announced_ = 0;  // of map_.announcing, how many are in contents_
  std::unordered_map<BlockHash, std::size_t, HashOfBlockHash> block_chunks_;
  std::size_t content_chunks_seen_ = 0;  // of map_.content, how many are in block_chunks_
  // In which the next block probably is, too.
  BlockChunk callers_block_;
  BlockChunk own_block_;  // for large data of events, so that the caller's block stays valid meanwhile
  std::unique_ptr<ReadAhead> ahead_;  // of own_block_
};

}  // namespace rec

// Which chunks a trace has: from its index, or gathered by a scan.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "format/trace.h"
#include "format/trace_generated.h"
#include "format/trace_layout.h"

namespace rec {

// The chunks before the index, in the order of the file; the lists hold positions in `chunks`.
struct ChunkMap {
  std::vector<layout::ChunkPlace> chunks;
  std::vector<std::size_t> events;      // events chunks that have events
  std::vector<std::size_t> announcing;  // events chunks that announce contents
  std::vector<std::size_t> content;
  std::uint64_t event_count = 0;
  // False: the chunk cannot follow on the last one.
  [[nodiscard]] bool follows(const layout::ChunkPlace& place) const;
  // Adds the chunk if it follows; says whether it did.
  bool add(const layout::ChunkPlace& place);
  void remove_last();
};

struct HashOfBlockHash {
  std::size_t operator()(const BlockHash& hash) const noexcept { return hash.low; }
};

struct IndexContents {
  ChunkMap map;
  TraceSummary summary;
  std::unordered_map<std::uint32_t, Content> contents;
  std::unordered_map<BlockHash, std::size_t, HashOfBlockHash> block_chunks;
  // For each of map.events, where in `tasks` those are that have events in it.
  struct TaskRange {
    std::uint32_t first;
    std::uint32_t count;
  };
  std::vector<TaskRange> task_ranges;
  std::vector<std::int32_t> tasks;
};

// `index_offset`: where the index chunk begins. Throws Implausible unless everything fits together.
[[nodiscard]] IndexContents read_index(const fb::Index& index, std::uint64_t index_offset);

// A new content, or blocks for one that is known. Throws Implausible.
void add_content(std::unordered_map<std::uint32_t, Content>& contents, const fb::Content& table);

}  // namespace rec

// What a writer gathers until it is worth a chunk: events as appended, in plain memory. Appending copies into
// it and does nothing else; all encoding is done later, on the writer's own thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "format/base/raw_bytes.h"
#include "format/base/unique_fd.h"
#include "format/event.h"
#include "format/event_columns.h"
#include "format/event_source.h"
#include "format/trace.h"

namespace rec {

// Calls `each` with every block that the bytes are stored in, in order.
template <class Each>
void for_blocks(std::span<const std::byte> bytes, const Each& each) {
  while (!bytes.empty()) {
    const auto block = bytes.first(std::min<std::size_t>(bytes.size(), content_block_size));
    each(block);
    bytes = bytes.subspan(block.size());
  }
}

struct EventBatch {
  // An Event without what hangs off it: its pieces are the next `piece_count` of `pieces`.
  struct Fixed {
    std::array<std::uint64_t, 6> args;
    std::int64_t result;
    std::uint64_t enter_ns;
    std::uint64_t leave_ns;
    Tid tid;
    std::int32_t nr;
    std::uint32_t piece_count;
    std::uint16_t flags;
    EventKind kind;
  };
  // A Data whose bytes (or, when `in_blocks`, the hashes of its blocks) are the next stored() ones of `heap`.
  struct Piece {
    std::uint64_t address;
    std::uint64_t size;
    std::uint64_t full_size;
    Data::Role role;
    std::uint8_t argument;
    bool in_blocks;
    [[nodiscard]] std::uint64_t stored() const {
      return in_blocks ? columns::blocks_for(size, content_block_size) * sizeof(BlockHash) : size;
    }
  };
  // Its bytes are in its own memory, or stay there as long as the keeper is held.
  struct Block {
    BlockHash hash;
    std::span<const std::byte> bytes;
    RawBytes own;
    std::shared_ptr<const void> keeper;
  };

  // Events that are made of something else as late as they are written.
  struct Late {
    std::size_t before;  // their place in `events`
    std::unique_ptr<EventSource> source;
  };

  // A block of an event's large data, of which the hash in `heap` is found out as late as it is written.
  struct UnhashedBlock {
    std::size_t in_heap;
    std::span<const std::byte> bytes;
    std::shared_ptr<const void> keeper;
  };

  // A block of a content that is read out of its file as late as it is written.
  struct LateBlock {
    ContentId content;
    std::uint64_t content_size;
    std::uint64_t index;
    std::shared_ptr<const UniqueFd> file;
  };

  EventNumber first{};      // number of the first event
  std::uint32_t count = 0;  // of all events
  std::vector<Fixed> events;
  std::vector<Piece> pieces;
  std::vector<std::byte> heap;
  std::vector<Late> late;
  std::vector<std::pair<std::uint32_t, Extra>> extras;  // with the event's place in the batch
  std::vector<Content> contents;                        // announced before the batch's first event
  std::vector<Block> blocks;
  std::vector<LateBlock> late_blocks;
  std::vector<UnhashedBlock> unhashed_blocks;
  std::uint64_t number = 0;     // of the batch, counted from 1
  std::size_t extra_bytes = 0;  // of extras, contents, blocks and what is late, roughly
  std::uint64_t cut_ns = 0;     // when it was put into the queue (CLOCK_MONOTONIC)

  [[nodiscard]] bool has_blocks() const {
    return !blocks.empty() || !late_blocks.empty() || !unhashed_blocks.empty();
  }
  [[nodiscard]] bool is_empty() const { return count == 0 && contents.empty() && !has_blocks(); }
  [[nodiscard]] std::size_t bytes() const {
    return events.size() * sizeof(Fixed) + pieces.size() * sizeof(Piece) + heap.size() + extra_bytes;
  }
  // `in_blocks`: for each piece of the event, the blocks that it was stored in, or none; empty: none at all.
  // `keeper`: the bytes of those are there as long as it is held, and the hashes still to be found out;
  // nullptr: they are blocks already.
  void add(const Event& event, std::span<const std::vector<BlockHash>> in_blocks,
           const std::shared_ptr<const void>& keeper = nullptr);
  // `amount` of them, of about so many bytes.
  void add_late(std::uint32_t amount, std::size_t size, std::unique_ptr<EventSource> source);

  void add_unhashed(std::span<const std::byte> bytes, const std::shared_ptr<const void>& keeper);

  // Empty, with its memory kept.
  void clear() {
    count = 0;
    late.clear();
    events.clear();
    pieces.clear();
    heap.clear();
    extras.clear();
    contents.clear();
    blocks.clear();
    late_blocks.clear();
    unhashed_blocks.clear();
    extra_bytes = 0;
  }
};

}  // namespace rec

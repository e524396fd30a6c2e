#include "format/trace_index.h"

#include <utility>

#include "format/trace_tables.h"

namespace rec {

using layout::ChunkHeader;
using layout::ChunkKind;
using layout::ChunkPlace;

bool ChunkMap::follows(const ChunkPlace& place) const {
  const std::uint64_t expected = chunks.empty() ? layout::prologue_size : chunks.back().end();
  if (place.offset != expected) return false;
  switch (place.header.kind) {
    case ChunkKind::header:
      return chunks.empty();
    case ChunkKind::events:
      return !chunks.empty() && place.header.first_event == event_count;
    case ChunkKind::content:
      return !chunks.empty();
    case ChunkKind::index:
      return false;
  }
  return false;
}

bool ChunkMap::add(const ChunkPlace& place) {
  if (!follows(place)) return false;
  const std::size_t number = chunks.size();
  if (place.header.kind == ChunkKind::content) content.push_back(number);
  if (place.header.kind == ChunkKind::events) {
    if (place.header.event_count > 0) events.push_back(number);
    if (place.header.has_contents) announcing.push_back(number);
    event_count += place.header.event_count;
  }
  chunks.push_back(place);
  return true;
}

void ChunkMap::remove_last() {
  event_count -= chunks.back().header.event_count;
  chunks.pop_back();
  for (auto* list : {&events, &announcing, &content}) {
    if (!list->empty() && list->back() == chunks.size()) list->pop_back();
  }
}

namespace {

ChunkPlace place_of(const fb::ChunkEntry& entry) {
  if (entry.kind() > static_cast<std::uint8_t>(ChunkKind::index) || entry.raw_size() > layout::max_raw_size ||
      entry.event_count() > layout::max_events_per_chunk)
    throw Implausible{"it describes a chunk that cannot be"};
  ChunkHeader header;
  header.kind = static_cast<ChunkKind>(entry.kind());
  header.first_event = entry.first_event();
  header.event_count = entry.event_count();
  header.raw_size = entry.raw_size();
  header.compressed_size = entry.compressed_size();
  header.first_ns = entry.first_ns();
  header.last_ns = entry.last_ns();
  header.checksum = entry.checksum();
  if (!layout::set_flags(header, entry.flags())) throw Implausible{"it describes a chunk that cannot be"};
  return {entry.offset(), header};
}

ChunkMap read_chunks(const fb::Index& index, std::uint64_t index_offset) {
  check_aligned(index.chunks());
  ChunkMap map;
  const std::uint32_t tasks = size_of(index.tasks());
  map.chunks.reserve(size_of(index.chunks()));
  for (std::uint32_t i = 0; i < size_of(index.chunks()); ++i) {
    const fb::ChunkEntry& entry = *index.chunks()->Get(i);
    const ChunkPlace place = place_of(entry);
    if (place.offset > index_offset || place.header.compressed_size > index_offset || !map.add(place))
      throw Implausible{"its chunks do not follow on each other"};
    if (entry.first_task() > tasks || entry.task_count() > tasks - entry.first_task())
      throw Implausible{"it lacks the tasks of a chunk"};
  }
  if (map.chunks.empty() || map.chunks.back().end() != index_offset)
    throw Implausible{"its chunks do not fill the file"};
  return map;
}

}  // namespace

IndexContents read_index(const fb::Index& index, std::uint64_t index_offset) {
  IndexContents read;
  read.map = read_chunks(index, index_offset);
  if (index.summary() == nullptr) throw Implausible{"it has no summary"};
  read.summary = unpack(*index.summary());
  if (read.summary.events != read.map.event_count)
    throw Implausible{"it counts other events than its chunks have"};
  if (index.tasks() != nullptr) read.tasks.assign(index.tasks()->begin(), index.tasks()->end());
  for (const std::size_t number : read.map.events) {
    const fb::ChunkEntry& entry = *index.chunks()->Get(static_cast<std::uint32_t>(number));
    read.task_ranges.push_back({entry.first_task(), entry.task_count()});
  }
  for (std::uint32_t i = 0; i < size_of(index.contents()); ++i)
    add_content(read.contents, *index.contents()->Get(i));
  check_aligned(index.blocks());
  read.block_chunks.reserve(size_of(index.blocks()));
  for (std::uint32_t i = 0; i < size_of(index.blocks()); ++i) {
    const fb::BlockEntry& entry = *index.blocks()->Get(i);
    if (entry.chunk() >= read.map.chunks.size() ||
        read.map.chunks[entry.chunk()].header.kind != ChunkKind::content)
      throw Implausible{"it puts a block where no content is"};
    read.block_chunks.try_emplace(from_fb(entry.hash()), entry.chunk());
  }
  return read;
}

void add_content(std::unordered_map<std::uint32_t, Content>& contents, const fb::Content& table) {
  Content added = unpack(table);
  const auto [place, is_new] = contents.try_emplace(table.id());
  Content& content = place->second;
  for (const Content::Block& block : added.blocks) {
    if (!block_is_inside(block, is_new ? added.size : content.size))
      throw Implausible{"a content has a block behind its end"};
  }
  if (is_new) {
    content = std::move(added);
  } else {
    content.blocks.insert(content.blocks.end(), added.blocks.begin(), added.blocks.end());
  }
}

}  // namespace rec

// rec verify: all of a trace read and checked.
#include <algorithm>
#include <map>

#include "format/base/error.h"
#include "format/trace_reader_impl.h"

namespace rec {

using layout::ChunkPlace;

std::vector<std::string> TraceReader::Impl::verify(std::size_t most) {
  std::vector<std::string> problems;
  if (is_damaged_) problems.push_back(why_incomplete_);
  verify_chunks(problems, most);
  verify_events(problems, most);
  verify_blocks(problems, most);
  if (problems.size() > most) problems.resize(most);
  return problems;
}

// Every chunk: its checksum (which load() leaves out for file content), its structure, and the index's word
// on it (load() compares the headers).
void TraceReader::Impl::verify_chunks(std::vector<std::string>& problems, std::size_t most) {
  RawChunk raw;
  for (std::size_t number = 0; number < map_.chunks.size() && problems.size() < most; ++number) {
    const ChunkPlace& place = map_.chunks[number];
    try {
      const fb::Chunk& chunk = file_.load(place, number, raw, ChunkReader::Checksum::of_all);
      const std::string problem = problem_in_index(chunk, number);
      if (!problem.empty()) problems.push_back(problem);
    } catch (const Error& error) {
      problems.emplace_back(error.what());
    }
  }
}

std::string TraceReader::Impl::problem_in_index(const fb::Chunk& chunk, std::size_t number) const {
  const fb::Events* events = chunk.body_as_Events();
  if (events == nullptr || events->contexts() == nullptr) return {};
  const auto at = std::lower_bound(map_.events.begin(), map_.events.end(), number);
  if (at == map_.events.end() || *at != number) return {};
  const auto place = static_cast<std::size_t>(at - map_.events.begin());
  if (place >= task_ranges_.size()) return {};  // no index
  const auto first = tasks_.begin() + task_ranges_[place].first;
  const auto last = first + task_ranges_[place].count;
  for (const fb::Context* context : *events->contexts()) {
    if (std::find(first, last, context->tid()) == last)
      return fmt::format("{}: the index does not say that chunk {} has events of task {}", path_, number,
                         context->tid());
  }
  return {};
}

// Every event: that it can be decoded, that its number and times follow, that its contents are there.
void TraceReader::Impl::verify_events(std::vector<std::string>& problems, std::size_t most) {
  seek(EventNumber(0));
  std::uint64_t expected = 0;
  while (problems.size() < most && expected < map_.event_count) {
    try {
      const Event* event = next();
      if (event == nullptr) break;
      const ChunkPlace& place = map_.chunks[events_number_];
      if (event->number.value() != expected || event->leave_ns < event->enter_ns ||
          event->enter_ns < place.header.first_ns || event->leave_ns > place.header.last_ns)
        problems.push_back(fmt::format("{}: event {} is not in its place or time", path_, event->number));
      ++expected;
      if (event->extra == nullptr) continue;
      for (const Mapping& mapping : event->extra->mappings)
        if (mapping.content) (void)content(*mapping.content);
    } catch (const Error& error) {
      const bool is_known = std::find(problems.begin(), problems.end(), error.what()) != problems.end();
      if (!is_known) problems.emplace_back(error.what());
      // Past the damaged chunk.
      const auto chunk = std::upper_bound(map_.events.begin(), map_.events.end(), expected,
                                          [this](std::uint64_t event, std::size_t number) {
                                            return event < map_.chunks[number].header.first_event;
                                          });
      expected = chunk == map_.events.end() ? map_.event_count : map_.chunks[*chunk].header.first_event;
      seek(EventNumber(expected));
    }
  }
  seek(EventNumber(0));
}

// Every block that a content refers to: that it is there and matches its hash.
void TraceReader::Impl::verify_blocks(std::vector<std::string>& problems, std::size_t most) {
  std::map<std::size_t, std::vector<BlockHash>> by_chunk;  // so that each chunk is unpacked once
  try {
    while (announced_ < map_.announcing.size()) announce_next();
    // Without an index: makes block_chunks_ whole.
    if (content_chunks_seen_ < map_.content.size()) see_all_content_chunks();
  } catch (const Error& error) {
    problems.emplace_back(error.what());
  }
  for (const auto& [id, content] : contents_) {
    for (const Content::Block& block : content.blocks) {
      const auto chunk = block_chunks_.find(block.hash);
      if (chunk != block_chunks_.end()) {
        by_chunk[chunk->second].push_back(block.hash);
      } else if (problems.size() < most) {
        problems.push_back(
            fmt::format("{}: block {} of the content of {} is missing", path_, block.index, content.path));
      }
    }
  }
  for (const auto& [chunk, hashes] : by_chunk) {
    for (const BlockHash& hash : hashes) {
      if (problems.size() >= most) return;
      try {
        (void)find_block(hash, own_block_);
      } catch (const Error& error) {
        const bool is_known = std::find(problems.begin(), problems.end(), error.what()) != problems.end();
        if (!is_known) problems.emplace_back(error.what());
      }
    }
  }
}

void TraceReader::Impl::see_all_content_chunks() {
  while (content_chunks_seen_ < map_.content.size()) {
    const std::size_t number = map_.content[content_chunks_seen_++];
    load_blocks(number, own_block_);
    for (const fb::BlockPlace* place : *own_block_.blocks->places())
      block_chunks_.try_emplace(from_fb(place->hash()), number);
  }
}

}  // namespace rec

#include <algorithm>
#include <thread>
#include <utility>

#include "format/base/error.h"
#include "format/block_hash.h"
#include "format/stored_blocks.h"
#include "format/trace_reader_impl.h"

namespace rec {

using layout::ChunkKind;
using layout::ChunkPlace;

TraceReader::Impl::Impl(const std::string& path) : path_(path), file_(path) {
  read_header();
  if (!load_index()) scan();
}

void TraceReader::Impl::read_header() {
  std::string_view problem;
  const auto place = file_.find(layout::prologue_size, problem);
  if (!place && problem.empty()) fail("{} ends before its header: nothing was recorded", path_);
  if (!place) file_.fail_damaged(layout::prologue_size, 0, problem);
  RawChunk raw;
  const fb::Chunk& chunk = file_.load(*place, 0, raw);
  if (place->header.kind != ChunkKind::header || chunk.body_as_Header() == nullptr)
    file_.fail_damaged(place->offset, 0, "it is not the trace's header");
  header_ = unpack(*chunk.body_as_Header());
  map_.add(*place);
}

// False: there is none, or it is of no use (then why_incomplete_ says so).
bool TraceReader::Impl::load_index() {
  const auto place = file_.find_index();
  if (!place) return false;
  try {
    take_index(*place);
    return true;
  } catch (const Error& error) {
    why_incomplete_ = error.what();
    is_damaged_ = true;
    return false;
  }
}

void TraceReader::Impl::take_index(const ChunkPlace& place) {
  RawChunk raw;
  const auto* index = file_.load(place, 0, raw).body_as_Index();
  try {
    if (index == nullptr) throw Implausible{"it is not an index"};
    IndexContents read = read_index(*index, place.offset);
    map_ = std::move(read.map);
    summary_ = read.summary;
    contents_ = std::move(read.contents);
    block_chunks_ = std::move(read.block_chunks);
    task_ranges_ = std::move(read.task_ranges);
    tasks_ = std::move(read.tasks);
    announced_ = map_.announcing.size();
    content_chunks_seen_ = map_.content.size();
  } catch (const Implausible& implausible) {
    fail("{}: the index at offset {} is damaged: {}", path_, place.offset, implausible.problem);
  }
}

void TraceReader::Impl::scan() {
  if (why_incomplete_.empty())
    why_incomplete_ = "the recording was cut off: its recorder was killed, or is still at work";
  for (;;) {
    const std::uint64_t offset = map_.chunks.back().end();
    std::string_view problem;
    const auto place = file_.find(offset, problem);
    if (!place || place->header.kind == ChunkKind::index) {
      if (problem.empty()) break;
      damage_ =
          fmt::format("{}: chunk {} at offset {} is damaged: {}", path_, map_.chunks.size(), offset, problem);
      why_incomplete_ = damage_;
      is_damaged_ = true;
      return;
    }
    if (!map_.add(*place)) {
      damage_ = fmt::format("{}: chunk {} at offset {} is damaged: it does not follow the one before it",
                            path_, map_.chunks.size(), offset);
      why_incomplete_ = damage_;
      is_damaged_ = true;
      return;
    }
  }
  // Of the last chunk the machine may have kept the length but lost the bytes.
  if (map_.chunks.size() > 1 && !file_.is_intact(map_.chunks.back())) map_.remove_last();
}

const Event* TraceReader::Impl::next() {
  if (!decoder_ || decoder_->at_end() || decoder_->next_number().value() != position_) {
    if (!open_at_position()) return nullptr;
  }
  try {
    const Event& event = decoder_->next(*this);
    ++position_;
    return &event;
  } catch (const Implausible& implausible) {
    decoder_.reset();
    fail_damaged(events_number_, implausible.problem);
  } catch (const Error&) {
    decoder_.reset();
    throw;
  }
}

// False: the end.
bool TraceReader::Impl::open_at_position() {
  if (position_ >= map_.event_count) {
    if (!damage_.empty()) throw Error(damage_);
    return false;
  }
  const std::size_t number = chunk_of_position();
  const bool is_ahead = decoder_ && events_number_ == number && decoder_->next_number().value() <= position_;
  if (!is_ahead) load_events(number);
  try {
    while (decoder_->next_number().value() < position_) decoder_->skip();
  } catch (const Implausible& implausible) {
    decoder_.reset();
    fail_damaged(number, implausible.problem);
  }
  return true;
}

std::size_t TraceReader::Impl::chunk_of_position() const {
  return map_.events[place_of_chunk_with(position_)];
}

std::size_t TraceReader::Impl::place_of_chunk_with(std::uint64_t event) const {
  const auto after = std::upper_bound(map_.events.begin(), map_.events.end(), event,
                                      [this](std::uint64_t wanted, std::size_t chunk) {
                                        return wanted < map_.chunks[chunk].header.first_event;
                                      });
  ENSURE(after != map_.events.begin(), "event {}", event);
  return static_cast<std::size_t>(after - map_.events.begin()) - 1;
}

std::optional<TraceReader::EventRange> TraceReader::Impl::chunk_with(Tid task, EventNumber from) const {
  if (from.value() >= map_.event_count) return std::nullopt;
  for (std::size_t i = place_of_chunk_with(from.value()); i < task_ranges_.size(); ++i) {
    const auto first = tasks_.begin() + task_ranges_[i].first;
    const auto last = first + task_ranges_[i].count;
    if (std::find(first, last, task.value()) == last) continue;
    const layout::ChunkHeader& header = map_.chunks[map_.events[i]].header;
    return EventRange{EventNumber(header.first_event), EventNumber(header.first_event + header.event_count)};
  }
  return std::nullopt;
}

EventNumber TraceReader::Impl::near(std::uint64_t time_ns) const {
  for (const std::size_t number : map_.events) {
    const layout::ChunkHeader& header = map_.chunks[number].header;
    if (header.last_ns >= time_ns) return EventNumber(header.first_event);
  }
  return EventNumber(map_.event_count);
}

void TraceReader::Impl::load_events(std::size_t number) {
  decoder_.reset();
  const ChunkPlace& place = map_.chunks[number];
  const auto* events = file_.load(place, number, events_raw_).body_as_Events();
  try {
    if (events == nullptr) throw Implausible{"it does not hold events"};
    decoder_.emplace(*events, place.header.first_event, place.header.event_count);
  } catch (const Implausible& implausible) {
    fail_damaged(number, implausible.problem);
  }
  events_number_ = number;
  if (announced_ < map_.announcing.size() && map_.announcing[announced_] == number) announce(*events, number);
}

// Takes over the contents that a chunk announces. Each chunk once, in the order of the file.
void TraceReader::Impl::announce(const fb::Events& events, std::size_t number) {
  ++announced_;
  if (events.contents() == nullptr) return;
  try {
    for (const fb::Content* table : *events.contents()) add_content(contents_, *table);
  } catch (const Implausible& implausible) {
    fail_damaged(number, implausible.problem);
  }
}

void TraceReader::Impl::announce_next() {
  const std::size_t number = map_.announcing.at(announced_);
  RawChunk raw;
  const auto* events = file_.load(map_.chunks[number], number, raw).body_as_Events();
  if (events == nullptr) fail_damaged(number, "it does not hold events");
  announce(*events, number);
}

const Content& TraceReader::Impl::content(ContentId id) {
  // What lies before the current event (after a seek() it may not have been seen), then what lies behind it.
  while (announced_ < map_.announcing.size() &&
         (map_.announcing[announced_] <= events_number_ || !contents_.contains(id.value())))
    announce_next();
  const auto found = contents_.find(id.value());
  if (found == contents_.end())
    fail("{}: the trace refers to file content {}, which it does not have", path_, id);
  return found->second;
}

std::span<const std::byte> TraceReader::Impl::find_block(const BlockHash& hash, BlockChunk& in) {
  auto known = block_chunks_.find(hash);
  // Without an index, content chunks are looked into one after the other, as far as needed.
  while (known == block_chunks_.end() && content_chunks_seen_ < map_.content.size()) {
    const std::size_t number = map_.content[content_chunks_seen_];
    load_blocks(number, in);
    for (const fb::BlockPlace* place : *in.blocks->places())
      block_chunks_.try_emplace(from_fb(place->hash()), number);
    ++content_chunks_seen_;
    known = block_chunks_.find(hash);
  }
  if (known == block_chunks_.end())
    fail("{}: the trace lacks a block of file content (hash {:016x}{:016x})", path_, hash.high, hash.low);
  if (in.number != known->second) load_blocks(known->second, in);
  return take_block(hash, in);
}

void TraceReader::Impl::load_blocks(std::size_t number, BlockChunk& into) {
  if (&into == &own_block_ && ahead_ != nullptr && ahead_->take(number, into)) return;
  try {
    into.load(file_, map_.chunks[number], number);
  } catch (const Implausible& implausible) {
    fail_damaged(number, implausible.problem);
  }
}

void TraceReader::Impl::read_ahead() {
  constexpr std::uint64_t least = 16 << 20;  // else it is over before the thread gets going
  std::uint64_t total = 0;
  for (const std::size_t number : map_.content) total += map_.chunks[number].header.raw_size;
  if (ahead_ != nullptr || total < least || std::thread::hardware_concurrency() < 2) return;
  ahead_ = std::make_unique<ReadAhead>(file_, map_.chunks, map_.content);
}

std::span<const std::byte> TraceReader::Impl::take_block(const BlockHash& hash, BlockChunk& from) {
  try {
    for (const fb::BlockPlace* place : *from.blocks->places()) {
      if (from_fb(place->hash()) != hash) continue;
      const auto bytes = bytes_of(*from.blocks, *place);
      if (!from.is_checked && hash_of_block(bytes) != hash)
        throw Implausible{"a block does not match its hash"};
      return bytes;
    }
    throw Implausible{"it lacks a block that the index puts there"};
  } catch (const Implausible& implausible) {
    fail_damaged(*from.number, implausible.problem);
  }
}

TraceReader::Sizes TraceReader::Impl::sizes() const {
  Sizes sizes;
  sizes.chunks = map_.chunks.size();
  for (const ChunkPlace& place : map_.chunks) {
    if (place.header.kind == ChunkKind::content) sizes.content += place.end() - place.offset;
    if (place.header.kind == ChunkKind::events) sizes.events += place.end() - place.offset;
  }
  return sizes;
}

TraceReader::TraceReader(const std::string& path) : impl_(std::make_unique<Impl>(path)) {}
TraceReader::TraceReader(TraceReader&&) noexcept = default;
TraceReader& TraceReader::operator=(TraceReader&&) noexcept = default;
TraceReader::~TraceReader() = default;

const TraceHeader& TraceReader::header() const { return impl_->header(); }
const std::optional<TraceSummary>& TraceReader::summary() const { return impl_->summary(); }
const std::string& TraceReader::why_incomplete() const { return impl_->why_incomplete(); }
bool TraceReader::is_damaged() const { return impl_->is_damaged(); }
std::uint64_t TraceReader::event_count() const { return impl_->event_count(); }
const Event* TraceReader::next() { return impl_->next(); }
void TraceReader::seek(EventNumber number) { impl_->seek(number); }
std::optional<TraceReader::EventRange> TraceReader::chunk_with(Tid task, EventNumber from) const {
  return impl_->chunk_with(task, from);
}
EventNumber TraceReader::near(std::uint64_t time_ns) const { return impl_->near(time_ns); }
std::vector<std::string> TraceReader::verify(std::size_t most) { return impl_->verify(most); }
const Content& TraceReader::content(ContentId id) { return impl_->content(id); }
std::span<const std::byte> TraceReader::block(const BlockHash& hash) { return impl_->block(hash); }
void TraceReader::read_ahead() { impl_->read_ahead(); }
std::uint64_t TraceReader::file_size() const { return impl_->file_size(); }
TraceReader::Sizes TraceReader::sizes() const { return impl_->sizes(); }

}  // namespace rec

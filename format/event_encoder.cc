#include "format/event_encoder.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "format/base/error.h"
#include "format/trace_tables.h"

namespace rec {

using columns::AddressFrom;
using columns::SizeFrom;
using columns::Storage;
using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

namespace {

Offset<flatbuffers::Vector<std::uint8_t>> build_planes(FlatBufferBuilder& builder,
                                                       std::span<const std::uint64_t> values) {
  std::uint64_t all = 0;
  for (const std::uint64_t value : values) all |= value;
  std::size_t planes = 0;
  for (; all != 0; all >>= 8) ++planes;
  std::uint8_t* bytes = nullptr;
  const auto vector = builder.CreateUninitializedVector(planes * values.size(), &bytes);
  for (std::size_t plane = 0; plane < planes; ++plane) {
    for (std::size_t i = 0; i < values.size(); ++i)
      bytes[plane * values.size() + i] = static_cast<std::uint8_t>(values[i] >> (8 * plane));
  }
  return vector;
}

}  // namespace

std::size_t EventEncoder::ContextKeyHash::operator()(const ContextKey& key) const noexcept {
  const auto low = static_cast<std::uint32_t>(key.nr) | static_cast<std::uint64_t>(key.kind) << 32;
  return (static_cast<std::uint64_t>(key.tid) * 0x9E3779B97F4A7C15) ^ (low * 0xC2B2AE3D27D4EB4F);
}

void EventEncoder::clear() {
  context_numbers_.clear();
  recent_.fill({});
  shape_numbers_.clear();
  states_.clear();
  contexts_.clear();
  shapes_.clear();
  items_.clear();
  shape_.clear();
  changed_.clear();
  gap_.clear();
  duration_.clear();
  values_.clear();
  used_words_ = 0;
  heap_.clear();
  base_ns_ = 0;
  first_ns_ = 0;
  last_ns_ = 0;
  previous_leave_ns_ = 0;
}

void EventEncoder::encode(const EventBatch& batch, FlatBufferBuilder& builder) {
  clear();
  add_all(batch);
  ENSURE(shape_.size() == batch.count, "{} events were announced, and {} came", batch.count, shape_.size());
  note_tasks();
  builder.Clear();
  finish_chunk(builder, build(batch, builder));
}

void EventEncoder::add_all(const EventBatch& batch) {
  std::span<const EventBatch::Piece> pieces = batch.pieces;
  std::span<const std::byte> heap = batch.heap;
  auto late = batch.late.begin();
  for (std::size_t i = 0;; ++i) {
    for (; late != batch.late.end() && late->before == i; ++late) {
      while (const Event* event = late->source->next()) {
        late_.clear();
        late_.add(*event, {});
        add(late_.events.front(), late_.pieces, late_.heap);
      }
    }
    if (i == batch.events.size()) return;
    const EventBatch::Fixed& event = batch.events[i];
    const auto mine = pieces.first(event.piece_count);
    std::size_t stored = 0;
    for (const EventBatch::Piece& piece : mine) stored += piece.stored();
    add(event, mine, heap.first(stored));
    pieces = pieces.subspan(mine.size());
    heap = heap.subspan(stored);
  }
}

void EventEncoder::add(const EventBatch::Fixed& event, std::span<const EventBatch::Piece> pieces,
                       std::span<const std::byte> stored) {
  if (shape_.empty()) base_ns_ = first_ns_ = previous_leave_ns_ = event.enter_ns;
  const std::uint32_t context = context_of(event);
  columns::Prediction& prediction = states_[context].prediction;
  put_pieces(event, pieces, stored, prediction);
  const std::uint32_t shape = shape_of(context, event.flags);
  states_[context].last_shape = shape;
  shape_.push_back(shape);
  put_values(event, pieces, prediction);
  put_times(event);
}

std::uint32_t EventEncoder::context_of(const EventBatch::Fixed& event) {
  const ContextKey key{event.tid.value(), event.nr, event.kind};
  Recent& recent = recent_.at(static_cast<std::uint32_t>(event.nr) % recent_.size());
  if (recent.context != no_context && recent.key == key) return recent.context;
  const auto next = static_cast<std::uint32_t>(contexts_.size());
  const auto [place, is_new] = context_numbers_.try_emplace(key, next);
  if (is_new) {
    contexts_.emplace_back(event.tid.value(), event.nr, static_cast<std::uint8_t>(event.kind));
    states_.emplace_back();
  }
  recent = {key, place->second};
  return place->second;
}

// Describes the pieces and puts their bytes where they belong.
void EventEncoder::put_pieces(const EventBatch::Fixed& event, std::span<const EventBatch::Piece> pieces,
                              std::span<const std::byte> stored, columns::Prediction& prediction) {
  event_items_.clear();
  std::size_t words = 0;
  const auto result = static_cast<std::uint64_t>(event.result);
  for (const EventBatch::Piece& piece : pieces) {
    const bool at_argument =
        piece.argument < event.args.size() && piece.address == event.args[piece.argument];
    const auto address_from = at_argument ? AddressFrom::argument : AddressFrom::values;
    const auto size_from = piece.size == result ? SizeFrom::result : SizeFrom::item;
    auto full_from = SizeFrom::item;
    if (piece.full_size == piece.size) {
      full_from = SizeFrom::size;
    } else if (piece.full_size == result) {
      full_from = SizeFrom::result;
    }
    const auto bytes = stored.first(piece.stored());
    stored = stored.subspan(piece.stored());
    auto storage = piece.in_blocks ? Storage::blocks : Storage::heap;
    if (!piece.in_blocks && columns::has_words(piece.size, words)) {
      if (put_words(bytes, words, prediction)) storage = Storage::words;
      words += piece.size / columns::word_size;
    }
    if (storage != Storage::words) heap_.insert(heap_.end(), bytes.begin(), bytes.end());
    event_items_.push_back({size_from == SizeFrom::item ? piece.size : 0,
                            full_from == SizeFrom::item ? piece.full_size : 0,
                            pack_kinds(piece, address_from, size_from, full_from, storage)});
  }
}

// False: the differences are not worth it, and the piece is to go into the heap.
bool EventEncoder::put_words(std::span<const std::byte> bytes, std::size_t at,
                             columns::Prediction& prediction) {
  if (prediction.words.empty()) prediction.words.resize(columns::max_words);
  const std::size_t most = bytes.size() / columns::word_size * columns::max_varint;
  if (words_.size() - used_words_ < most) words_.resize(2 * words_.size() + most);
  std::uint8_t* const begin = &words_[used_words_];
  std::uint8_t* end = begin;
  for (std::size_t i = 0; i < bytes.size(); i += columns::word_size, ++at) {
    std::uint64_t word = 0;
    std::memcpy(&word, &bytes[i], sizeof word);
    end = columns::put_varint(end, columns::zigzag(word - prediction.words[at]));
    prediction.words[at] = word;
  }
  const auto size = static_cast<std::size_t>(end - begin);
  if (size > bytes.size() / 2) return false;
  used_words_ += size;
  return true;
}

std::uint64_t EventEncoder::pack_kinds(const EventBatch::Piece& piece, AddressFrom address, SizeFrom size,
                                       SizeFrom full_size, Storage storage) {
  return static_cast<std::uint64_t>(piece.role) | static_cast<std::uint64_t>(piece.argument) << 8 |
         static_cast<std::uint64_t>(address) << 16 | static_cast<std::uint64_t>(size) << 24 |
         static_cast<std::uint64_t>(full_size) << 32 | static_cast<std::uint64_t>(storage) << 40;
}

AddressFrom EventEncoder::address_from(const ItemKey& item) {
  return static_cast<AddressFrom>(item.kinds >> 16 & 0xff);
}

fb::Item EventEncoder::unpack(const ItemKey& item) {
  const auto byte = [&](unsigned i) { return static_cast<std::uint8_t>(item.kinds >> 8 * i); };
  return {item.size, item.full_size, byte(0), byte(1), byte(2), byte(3), byte(4), byte(5)};
}

bool EventEncoder::is_shape(std::uint32_t shape, std::uint32_t context, std::uint16_t flags) const {
  const fb::Shape& known = shapes_[shape];
  return known.context() == context && known.flags() == flags && known.item_count() == event_items_.size() &&
         std::equal(event_items_.begin(), event_items_.end(), items_.begin() + known.first_item());
}

std::uint32_t EventEncoder::shape_of(std::uint32_t context, std::uint16_t flags) {
  const std::uint32_t last = states_[context].last_shape;
  if (last != no_shape && is_shape(last, context, flags)) return last;
  const std::uint64_t seed = (std::uint64_t{context} << 16) | flags;
  const std::uint64_t hash =
      XXH3_64bits_withSeed(event_items_.data(), event_items_.size() * sizeof(ItemKey), seed);
  const auto [first, end] = shape_numbers_.equal_range(hash);
  for (auto place = first; place != end; ++place) {
    if (is_shape(place->second, context, flags)) return place->second;
  }
  const auto number = static_cast<std::uint32_t>(shapes_.size());
  shapes_.emplace_back(context, static_cast<std::uint32_t>(items_.size()),
                       static_cast<std::uint32_t>(event_items_.size()), flags);
  items_.insert(items_.end(), event_items_.begin(), event_items_.end());
  shape_numbers_.emplace(hash, number);
  return number;
}

void EventEncoder::put_values(const EventBatch::Fixed& event, std::span<const EventBatch::Piece> pieces,
                              columns::Prediction& prediction) {
  using columns::put_varint;
  using columns::zigzag;
  unsigned changed = 0;
  for (unsigned i = 0; i < event.args.size(); ++i) {
    if (event.args[i] == prediction.args[i]) continue;
    changed |= 1U << i;
    put_varint(values_, zigzag(event.args[i] - prediction.args[i]));
    prediction.args[i] = event.args[i];
  }
  const auto result = static_cast<std::uint64_t>(event.result);
  if (result != prediction.result) {
    changed |= 1U << columns::result_bit;
    put_varint(values_, zigzag(result - prediction.result));
    prediction.result = result;
  }
  changed_.push_back(static_cast<std::uint8_t>(changed));

  std::uint64_t expected = prediction.address;
  bool is_first = true;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (address_from(event_items_[i]) != AddressFrom::values) continue;
    put_varint(values_, zigzag(pieces[i].address - expected));
    expected = pieces[i].address + pieces[i].size;
    if (is_first) prediction.address = pieces[i].address;
    is_first = false;
  }
}

void EventEncoder::put_times(const EventBatch::Fixed& event) {
  gap_.push_back(columns::zigzag(event.enter_ns - previous_leave_ns_));
  duration_.push_back(event.leave_ns - event.enter_ns);
  previous_leave_ns_ = event.leave_ns;
  first_ns_ = std::min(first_ns_, event.enter_ns);
  last_ns_ = std::max(last_ns_, event.leave_ns);
}

void EventEncoder::note_tasks() {
  tasks_.clear();
  for (const fb::Context& context : contexts_) tasks_.push_back(context.tid());
  std::sort(tasks_.begin(), tasks_.end());
  tasks_.erase(std::unique(tasks_.begin(), tasks_.end()), tasks_.end());
}

Offset<fb::Events> EventEncoder::build(const EventBatch& batch, FlatBufferBuilder& builder) const {
  std::vector<Offset<fb::Extra>> extras;
  for (const auto& [event, extra] : batch.extras) extras.push_back(pack(builder, event, extra));
  std::vector<Offset<fb::Content>> contents;
  for (const Content& content : batch.contents) contents.push_back(pack(builder, content));

  const auto extras_vector = builder.CreateVector(extras);
  const auto contents_vector = builder.CreateVector(contents);
  const auto contexts = builder.CreateVectorOfStructs(contexts_);
  const auto shapes = builder.CreateVectorOfStructs(shapes_);
  const auto items = builder.CreateVectorOfStructs<fb::Item>(
      items_.size(), [this](std::size_t i, fb::Item* item) { *item = unpack(items_[i]); });
  const auto shape = build_planes(builder, shape_);
  const auto changed = builder.CreateVector(changed_);
  const auto gap = build_planes(builder, gap_);
  const auto duration = build_planes(builder, duration_);
  const auto values = builder.CreateVector(values_);
  const auto heap = builder.CreateVector(reinterpret_cast<const std::uint8_t*>(heap_.data()), heap_.size());
  const auto words = builder.CreateVector(words_.data(), used_words_);
  return fb::CreateEvents(builder, batch.first.value(), batch.count, base_ns_, contexts, shapes, items, shape,
                          changed, gap, duration, values, heap, extras_vector, contents_vector, words);
}

}  // namespace rec

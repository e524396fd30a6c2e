#include "format/event_encoder.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>

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

// Struct equality by bytes: FlatBuffers zeroes the padding of structs that are built from all their fields.
// Of a few words, which calling memcmp takes longer for.
template <class T>
bool same_bytes(std::span<const T> a, std::span<const T> b) {
  static_assert(sizeof(T) % sizeof(std::uint64_t) == 0);
  if (a.size() != b.size()) return false;
  const std::span<const std::byte> left = std::as_bytes(a);
  const std::span<const std::byte> right = std::as_bytes(b);
  for (std::size_t at = 0; at < left.size(); at += sizeof(std::uint64_t)) {
    std::uint64_t one = 0, other = 0;
    std::memcpy(&one, left.data() + at, sizeof one);
    std::memcpy(&other, right.data() + at, sizeof other);
    if (one != other) return false;
  }
  return true;
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
  first_ns_ = 0;
  last_ns_ = 0;
  previous_leave_ns_ = 0;
}

void EventEncoder::encode(const EventBatch& batch, FlatBufferBuilder& builder) {
  clear();
  if (!batch.events.empty()) first_ns_ = previous_leave_ns_ = batch.events.front().enter_ns;
  std::span<const EventBatch::Piece> pieces = batch.pieces;
  for (const EventBatch::Fixed& event : batch.events) {
    const auto mine = pieces.first(event.piece_count);
    pieces = pieces.subspan(event.piece_count);
    const std::uint32_t context = context_of(event);
    describe_pieces(event, mine);
    const std::uint32_t shape = shape_of(context, event.flags);
    states_[context].last_shape = shape;
    shape_.push_back(shape);
    put_values(event, mine, states_[context].prediction);
    put_times(event);
  }
  note_tasks();
  builder.Clear();
  finish_chunk(builder, build(batch, builder));
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

void EventEncoder::describe_pieces(const EventBatch::Fixed& event,
                                   std::span<const EventBatch::Piece> pieces) {
  event_items_.clear();
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
    event_items_.emplace_back(
        size_from == SizeFrom::item ? piece.size : 0, full_from == SizeFrom::item ? piece.full_size : 0,
        static_cast<std::uint8_t>(piece.role), piece.argument, static_cast<std::uint8_t>(address_from),
        static_cast<std::uint8_t>(size_from), static_cast<std::uint8_t>(full_from),
        static_cast<std::uint8_t>(piece.in_blocks ? Storage::blocks : Storage::heap));
  }
}

bool EventEncoder::is_shape(std::uint32_t shape, std::uint32_t context, std::uint16_t flags) const {
  const fb::Shape& known = shapes_[shape];
  return known.context() == context && known.flags() == flags &&
         same_bytes(std::span(items_).subspan(known.first_item(), known.item_count()),
                    std::span<const fb::Item>(event_items_));
}

std::uint32_t EventEncoder::shape_of(std::uint32_t context, std::uint16_t flags) {
  const std::uint32_t last = states_[context].last_shape;
  if (last != no_shape && is_shape(last, context, flags)) return last;
  const std::uint64_t seed = (std::uint64_t{context} << 16) | flags;
  const std::uint64_t hash =
      XXH3_64bits_withSeed(event_items_.data(), event_items_.size() * sizeof(fb::Item), seed);
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
    if (static_cast<AddressFrom>(event_items_[i].address_from()) != AddressFrom::values) continue;
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
  const auto items = builder.CreateVectorOfStructs(items_);
  const auto shape = build_planes(builder, shape_);
  const auto changed = builder.CreateVector(changed_);
  const auto gap = build_planes(builder, gap_);
  const auto duration = build_planes(builder, duration_);
  const auto values = builder.CreateVector(values_);
  const auto heap =
      builder.CreateVector(reinterpret_cast<const std::uint8_t*>(batch.heap.data()), batch.heap.size());
  const std::uint64_t base_ns = batch.events.empty() ? 0 : batch.events.front().enter_ns;
  return fb::CreateEvents(builder, batch.first.value(), static_cast<std::uint32_t>(batch.events.size()),
                          base_ns, contexts, shapes, items, shape, changed, gap, duration, values, heap,
                          extras_vector, contents_vector);
}

}  // namespace rec

#include "format/event_decoder.h"

#include <algorithm>
#include <cstring>

#include "format/trace_tables.h"

namespace rec {

using columns::AddressFrom;
using columns::SizeFrom;
using columns::Storage;

namespace {

// The kernel moves no more than MAX_RW_COUNT bytes (0x7ffff000, include/linux/fs.h) in one call.
constexpr std::uint64_t max_event_bytes = 0x7ffff000;

std::uint64_t take_varint(std::span<const std::uint8_t>& from) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (from.empty()) throw Implausible{"its values end too early"};
    const std::uint8_t byte = from.front();
    from = from.subspan(1);
    value |= std::uint64_t{byte & 0x7fU} << shift;
    if ((byte & 0x80U) == 0) return value;
  }
  throw Implausible{"a value has too many digits"};
}

// The structs of a table's vector lie in the chunk as they are in memory (trace_layout.cc asserts the byte
// order), once they are known to be aligned.
template <class T>
std::span<const T> structs(const flatbuffers::Vector<const T*>* vector) {
  check_aligned(vector);
  if (vector == nullptr) return {};
  return {reinterpret_cast<const T*>(vector->Data()), vector->size()};
}

std::span<const std::uint8_t> elements(const flatbuffers::Vector<std::uint8_t>* vector) {
  if (vector == nullptr) return {};
  return {vector->data(), vector->size()};
}

}  // namespace

EventDecoder::Planes::Planes(const flatbuffers::Vector<std::uint8_t>* bytes, std::uint32_t count)
    : count_(count) {
  const std::size_t size = size_of(bytes);
  if (size == 0) return;
  if (count == 0 || size % count != 0 || size / count > sizeof(std::uint64_t))
    throw Implausible{"a column does not have one value for each event"};
  bytes_ = bytes->data();
  bits_ = static_cast<unsigned>(size / count) * 8;
}

EventDecoder::EventDecoder(const fb::Events& chunk, std::uint64_t first_event, std::uint32_t event_count)
    : chunk_(&chunk),
      first_event_(first_event),
      count_(event_count),
      shape_(chunk.shape(), event_count),
      gap_(chunk.gap(), event_count),
      duration_(chunk.duration(), event_count),
      values_(elements(chunk.values())),
      words_(elements(chunk.words())),
      heap_(std::as_bytes(elements(chunk.heap()))),
      previous_leave_ns_(chunk.base_ns()) {
  if (chunk.first_event() != first_event || chunk.count() != event_count)
    throw Implausible{"its events are not those of its header"};
  if (elements(chunk.changed()).size() != event_count)
    throw Implausible{"a column does not have one value for each event"};
  changed_ = elements(chunk.changed()).data();
  read_dictionaries();
  check_dictionaries();
  check_extras();
  find_extra();
  predictions_.resize(contexts_.size());
}

void EventDecoder::read_dictionaries() {
  contexts_ = structs(chunk_->contexts());
  shapes_ = structs(chunk_->shapes());
  items_ = structs(chunk_->items());
}

void EventDecoder::check_dictionaries() const {
  if (contexts_.size() > count_ || shapes_.size() > count_)
    throw Implausible{"it has more kinds of events than events"};
  for (const fb::Context& context : contexts_) {
    if (context.kind() > static_cast<std::uint8_t>(last_event_kind))
      throw Implausible{"an event's kind is unknown"};
  }
  for (const fb::Shape& shape : shapes_) {
    if (shape.context() >= contexts_.size()) throw Implausible{"an event's context is not there"};
    if (shape.first_item() > items_.size() || shape.item_count() > items_.size() - shape.first_item())
      throw Implausible{"an event's memory is not described"};
  }
  for (const fb::Item& item : items_) {
    if (item.role() > static_cast<std::uint8_t>(Data::Role::bulk) ||
        item.address_from() > static_cast<std::uint8_t>(AddressFrom::values) ||
        item.size_from() > static_cast<std::uint8_t>(SizeFrom::result) ||
        item.full_size_from() > static_cast<std::uint8_t>(SizeFrom::size) ||
        item.storage() > static_cast<std::uint8_t>(Storage::words))
      throw Implausible{"a piece of memory is described by an unknown number"};
    if (item.address_from() == static_cast<std::uint8_t>(AddressFrom::argument) && item.argument() >= 6)
      throw Implausible{"a piece of memory hangs off an argument that calls do not have"};
  }
}

void EventDecoder::check_extras() const {
  std::uint64_t least = 0;
  for (std::uint32_t i = 0; i < size_of(chunk_->extras()); ++i) {
    const std::uint32_t event = chunk_->extras()->Get(i)->event();
    if (event < least || event >= count_) throw Implausible{"its extras do not belong to its events"};
    least = std::uint64_t{event} + 1;
  }
}

const Event& EventDecoder::next(BlockSource& blocks) {
  step();
  if (!in_blocks_.empty()) load_blocks(blocks);
  event_.data = pieces_;
  attach_extra();
  ++index_;
  if (at_end()) check_end();
  return event_;
}

void EventDecoder::skip() {
  step();
  if (event_with_extra_ == index_) {
    ++next_extra_;
    find_extra();
  }
  ++index_;
  if (at_end()) check_end();
}

void EventDecoder::step() {
  const std::uint64_t number = shape_[index_];
  if (number >= shapes_.size()) throw Implausible{"an event's shape is not there"};
  const fb::Shape& shape = shapes_[number];
  decode_fixed(shape, contexts_[shape.context()]);
  decode_pieces(shape, predictions_[shape.context()]);
}

void EventDecoder::decode_fixed(const fb::Shape& shape, const fb::Context& context) {
  event_.number = next_number();
  event_.tid = Tid(context.tid());
  event_.kind = static_cast<EventKind>(context.kind());
  event_.nr = context.nr();
  event_.flags = shape.flags();

  columns::Prediction& prediction = predictions_[shape.context()];
  const unsigned changed = changed_[index_];
  if (changed != 0) {
    if ((changed & ~unsigned{columns::changed_bits}) != 0)
      throw Implausible{"an event changes what it does not have"};
    for (unsigned i = 0; i < prediction.args.size(); ++i) {
      if ((changed >> i & 1U) != 0) prediction.args[i] += columns::unzigzag(take_value());
    }
    if ((changed >> columns::result_bit & 1U) != 0) prediction.result += columns::unzigzag(take_value());
  }
  event_.args = prediction.args;
  event_.result = static_cast<std::int64_t>(prediction.result);
  event_.enter_ns = previous_leave_ns_ + columns::unzigzag(gap_[index_]);
  event_.leave_ns = event_.enter_ns + duration_[index_];
  previous_leave_ns_ = event_.leave_ns;
}

void EventDecoder::decode_pieces(const fb::Shape& shape, columns::Prediction& prediction) {
  pieces_.clear();
  in_blocks_.clear();
  std::uint64_t expected = prediction.address;
  bool is_first = true;
  std::size_t used_words = 0;
  for (std::uint32_t i = 0; i < shape.item_count(); ++i) {
    const fb::Item& item = items_[shape.first_item() + i];
    Data piece;
    piece.role = static_cast<Data::Role>(item.role());
    piece.argument = item.argument();
    const std::uint64_t size = size_by(item.size_from(), item.size(), 0);
    piece.full_size = size_by(item.full_size_from(), item.full_size(), size);
    if (static_cast<AddressFrom>(item.address_from()) == AddressFrom::argument) {
      piece.address = RemotePtr<>(event_.args[item.argument()]);
    } else {
      const std::uint64_t address = expected + columns::unzigzag(take_value());
      piece.address = RemotePtr<>(address);
      expected = address + size;
      if (is_first) prediction.address = address;
      is_first = false;
    }
    const auto storage = static_cast<Storage>(item.storage());
    if (storage != Storage::blocks && columns::has_words(size, used_words)) {
      prediction.words.resize(columns::max_words);
      const auto words = std::span(prediction.words).subspan(used_words, size / columns::word_size);
      used_words += words.size();
      if (storage == Storage::words) {
        piece.bytes = take_words(words);
      } else {
        piece.bytes = take_heap(size);
        std::memcpy(words.data(), piece.bytes.data(), size);
      }
    } else if (storage == Storage::heap) {
      piece.bytes = take_heap(size);
    } else if (storage == Storage::words) {
      throw Implausible{"a piece of memory has no words"};
    } else {
      const std::uint64_t hashes = columns::blocks_for(size, content_block_size);
      if (hashes > heap_.size() / sizeof(BlockHash)) throw Implausible{"its memory heap ends too early"};
      in_blocks_.push_back({pieces_.size(), size, take_heap(hashes * sizeof(BlockHash))});
    }
    pieces_.push_back(piece);
  }
}

std::uint64_t EventDecoder::size_by(std::uint8_t from, std::uint64_t item_value, std::uint64_t size) const {
  switch (static_cast<SizeFrom>(from)) {
    case SizeFrom::item:
      return item_value;
    case SizeFrom::result:
      return static_cast<std::uint64_t>(event_.result);
    case SizeFrom::size:
      return size;
  }
  throw Implausible{"a piece of memory is described by an unknown number"};
}

std::span<const std::byte> EventDecoder::take_heap(std::uint64_t size) {
  if (size > heap_.size()) throw Implausible{"its memory heap ends too early"};
  const auto bytes = heap_.first(size);
  heap_ = heap_.subspan(size);
  return bytes;
}

// `words`: those of the event before; afterwards, of this one.
std::span<const std::byte> EventDecoder::take_words(std::span<std::uint64_t> words) {
  for (std::uint64_t& word : words) word += columns::unzigzag(take_varint(words_));
  return std::as_bytes(words);
}

std::uint64_t EventDecoder::take_value() { return take_varint(values_); }

void EventDecoder::attach_extra() {
  event_.extra = nullptr;
  if (event_with_extra_ != index_) return;
  extra_ = unpack(*chunk_->extras()->Get(next_extra_));
  event_.extra = &extra_;
  ++next_extra_;
  find_extra();
}

void EventDecoder::find_extra() {
  const bool is_there = next_extra_ < size_of(chunk_->extras());
  event_with_extra_ = is_there ? chunk_->extras()->Get(next_extra_)->event() : count_;
}

void EventDecoder::load_blocks(BlockSource& blocks) {
  // Sizes are bounded before anything is allocated; a block is there at most once for each of its hashes.
  std::uint64_t total = 0;
  for (const InBlocks& piece : in_blocks_) {
    if (piece.size > max_event_bytes - total)
      throw Implausible{"an event has more memory than a call can move"};
    total += piece.size;
  }
  const auto next_block = [&](const InBlocks& piece, std::size_t at, std::uint64_t left) {
    BlockHash hash;
    std::memcpy(&hash, &piece.hashes[at], sizeof hash);
    const auto bytes = blocks.stored_block(hash);
    if (bytes.size() != std::min(left, content_block_size)) throw Implausible{"a block has the wrong size"};
    return bytes;
  };
  if (in_blocks_.size() == 1 && in_blocks_.front().hashes.size() == sizeof(BlockHash)) {
    const InBlocks& piece = in_blocks_.front();
    pieces_[piece.index].bytes = next_block(piece, 0, piece.size);  // there as long as nothing else is read
    return;
  }
  large_.clear();
  for (const InBlocks& piece : in_blocks_) {
    std::uint64_t left = piece.size;
    for (std::size_t at = 0; at < piece.hashes.size(); at += sizeof(BlockHash)) {
      const auto bytes = next_block(piece, at, left);
      large_.insert(large_.end(), bytes.begin(), bytes.end());
      left -= bytes.size();
    }
  }
  // Only now: large_ does not move any more.
  std::size_t offset = 0;
  for (const InBlocks& piece : in_blocks_) {
    pieces_[piece.index].bytes = std::span(large_).subspan(offset, piece.size);
    offset += piece.size;
  }
}

void EventDecoder::check_end() const {
  if (!values_.empty() || !words_.empty() || !heap_.empty() || next_extra_ != size_of(chunk_->extras()))
    throw Implausible{"something is left over behind its last event"};
}

}  // namespace rec

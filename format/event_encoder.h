// Turns a batch of events into the columns of an events chunk (event_columns.h).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "format/event_batch.h"
#include "format/event_columns.h"
#include "format/trace_generated.h"

namespace rec {

class EventEncoder {
 public:
  // Leaves in `builder` (which it empties first) the finished, size-prefixed buffer of one chunk.
  void encode(const EventBatch& batch, flatbuffers::FlatBufferBuilder& builder);

  // Of the batch encoded last: the tasks in it, ascending, and its least enter_ns and greatest leave_ns.
  [[nodiscard]] std::span<const std::int32_t> tasks() const { return tasks_; }
  [[nodiscard]] std::uint64_t first_ns() const { return first_ns_; }
  [[nodiscard]] std::uint64_t last_ns() const { return last_ns_; }

 private:
  struct ContextKey {
    std::int32_t tid;
    std::int32_t nr;
    EventKind kind;
    bool operator==(const ContextKey&) const = default;
  };
  struct ContextKeyHash {
    std::size_t operator()(const ContextKey& key) const noexcept;
  };
  struct ContextState {
    columns::Prediction prediction;
    std::uint32_t last_shape = no_shape;
  };
  static constexpr std::uint32_t no_shape = 0xffffffff;
  // What fb::Item says, in whole words: they are compared at each event, right after they were put together.
  struct ItemKey {
    std::uint64_t size;
    std::uint64_t full_size;
    std::uint64_t kinds;  // a byte each, as pack_kinds() has them
    bool operator==(const ItemKey&) const = default;
  };
  static std::uint64_t pack_kinds(const EventBatch::Piece& piece, columns::AddressFrom address,
                                  columns::SizeFrom size, columns::SizeFrom full_size,
                                  columns::Storage storage);
  static columns::AddressFrom address_from(const ItemKey& item);
  static fb::Item unpack(const ItemKey& item);

  void clear();
  void add_all(const EventBatch& batch);
  void add(const EventBatch::Fixed& event, std::span<const EventBatch::Piece> pieces,
           std::span<const std::byte> stored);
  std::uint32_t context_of(const EventBatch::Fixed& event);
  void put_pieces(const EventBatch::Fixed& event, std::span<const EventBatch::Piece> pieces,
                  std::span<const std::byte> stored, columns::Prediction& prediction);
  bool put_words(std::span<const std::byte> bytes, std::size_t at, columns::Prediction& prediction);
  std::uint32_t shape_of(std::uint32_t context, std::uint16_t flags);
  [[nodiscard]] bool is_shape(std::uint32_t shape, std::uint32_t context, std::uint16_t flags) const;
  void put_values(const EventBatch::Fixed& event, std::span<const EventBatch::Piece> pieces,
                  columns::Prediction& prediction);
  void put_times(const EventBatch::Fixed& event);
  void note_tasks();
  flatbuffers::Offset<fb::Events> build(const EventBatch& batch,
                                        flatbuffers::FlatBufferBuilder& builder) const;

  std::unordered_map<ContextKey, std::uint32_t, ContextKeyHash> context_numbers_;
  // The last ones looked up, by call: a program makes the same few calls over and over.
  struct Recent {
    ContextKey key{};
    std::uint32_t context = no_context;
  };
  static constexpr std::uint32_t no_context = 0xffffffff;
  std::array<Recent, 8> recent_{};
  std::unordered_multimap<std::uint64_t, std::uint32_t> shape_numbers_;  // by a hash of the whole shape
  std::vector<ContextState> states_;
  std::vector<fb::Context> contexts_;
  std::vector<fb::Shape> shapes_;
  std::vector<ItemKey> items_;
  std::vector<ItemKey> event_items_;  // of the event at hand

  std::vector<std::uint64_t> shape_;
  std::vector<std::uint8_t> changed_;
  std::vector<std::uint64_t> gap_;
  std::vector<std::uint64_t> duration_;
  std::vector<std::uint8_t> values_;
  std::vector<std::uint8_t> words_;  // the first used_words_ bytes of it
  std::size_t used_words_ = 0;
  std::vector<std::byte> heap_;
  EventBatch late_;  // one event of those that are made now

  std::vector<std::int32_t> tasks_;
  std::uint64_t base_ns_ = 0;
  std::uint64_t first_ns_ = 0;
  std::uint64_t last_ns_ = 0;
  std::uint64_t previous_leave_ns_ = 0;
};

}  // namespace rec

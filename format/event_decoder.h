// Reads the events of one events chunk, in order (event_columns.h). The chunk has passed its checksum and the
// FlatBuffers verifier; everything else about it is checked here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "format/event.h"
#include "format/event_columns.h"
#include "format/trace.h"
#include "format/trace_generated.h"

namespace rec {

// Where pieces that are stored in blocks come from.
class BlockSource {
 public:
  virtual ~BlockSource() = default;
  // Valid until the next call. Throws Error when the trace does not have the block.
  [[nodiscard]] virtual std::span<const std::byte> stored_block(const BlockHash& hash) = 0;
};

class EventDecoder {
 public:
  // `chunk` has to outlive the decoder. Throws Implausible.
  EventDecoder(const fb::Events& chunk, std::uint64_t first_event, std::uint32_t event_count);

  [[nodiscard]] EventNumber next_number() const { return EventNumber(first_event_ + index_); }
  [[nodiscard]] bool at_end() const { return index_ == count_; }

  // The next event; not to be called at_end(). Valid until the next call. Throws Implausible, or Error from
  // `blocks`.
  const Event& next(BlockSource& blocks);

  // Passes over the next event.
  void skip();

 private:
  void read_dictionaries();
  void check_dictionaries() const;
  void check_extras() const;
  void check_end() const;
  void decode_fixed(const fb::Shape& shape, const fb::Context& context);
  void decode_pieces(const fb::Shape& shape, columns::Prediction& prediction);
  [[nodiscard]] std::uint64_t size_by(std::uint8_t from, std::uint64_t item_value, std::uint64_t size) const;
  std::span<const std::byte> take_heap(std::uint64_t size);
  std::span<const std::byte> take_words(std::span<std::uint64_t> words);
  std::uint64_t take_value();
  void step();
  void attach_extra();
  void find_extra();
  void load_blocks(BlockSource& blocks);

  // A column of byte planes.
  class Planes {
   public:
    Planes() = default;
    Planes(const flatbuffers::Vector<std::uint8_t>* bytes, std::uint32_t count);
    [[nodiscard]] std::uint64_t operator[](std::uint32_t i) const {
      std::uint64_t value = 0;
      std::size_t at = i;
      for (unsigned shift = 0; shift < bits_; shift += 8, at += count_)
        value |= std::uint64_t{bytes_[at]} << shift;
      return value;
    }

   private:
    const std::uint8_t* bytes_ = nullptr;
    std::uint32_t count_ = 0;
    unsigned bits_ = 0;
  };

  // A piece whose bytes are in blocks: its place in `pieces_` and the hashes in the heap.
  struct InBlocks {
    std::size_t index;
    std::uint64_t size;
    std::span<const std::byte> hashes;
  };

  const fb::Events* chunk_;
  std::span<const fb::Context> contexts_;
  std::span<const fb::Shape> shapes_;
  std::span<const fb::Item> items_;
  std::uint64_t first_event_;
  std::uint32_t count_;
  std::uint32_t index_ = 0;
  Planes shape_;
  Planes gap_;
  Planes duration_;
  const std::uint8_t* changed_ = nullptr;
  std::span<const std::uint8_t> values_;  // what is left of them
  std::span<const std::uint8_t> words_;
  std::span<const std::byte> heap_;
  std::vector<columns::Prediction> predictions_;
  std::uint64_t previous_leave_ns_;
  std::uint32_t next_extra_ = 0;
  std::uint64_t event_with_extra_ = 0;  // the next one; no event of this chunk: none

  Event event_;
  Extra extra_;
  std::vector<Data> pieces_;
  std::vector<InBlocks> in_blocks_;
  std::vector<std::byte> large_;
};

}  // namespace rec

// Any bytes as the unpacked payload of a chunk: what lies behind checksums and compression, where a fuzzer of
// whole files hardly gets. Only Implausible and Error may come of it.
#include <algorithm>
#include <cstdint>

#include "format/base/error.h"
#include "format/chunk_reader.h"
#include "format/event_decoder.h"
#include "format/trace_index.h"
#include "format/trace_layout.h"
#include "format/trace_tables.h"

namespace {

// Every block is there and has one byte: right for the last block of some piece.
class OneByteBlocks final : public rec::BlockSource {
 public:
  [[nodiscard]] std::span<const std::byte> stored_block(const rec::BlockHash&) override {
    return {&byte_, 1};
  }

 private:
  std::byte byte_{};
};

void decode(const rec::fb::Events& events) {
  const std::uint32_t count = std::min(events.count(), rec::layout::max_events_per_chunk);
  rec::EventDecoder decoder(events, events.first_event(), count);
  OneByteBlocks blocks;
  while (!decoder.at_end()) {
    const rec::Event& event = decoder.next(blocks);
    for (const rec::Data& piece : event.data) {
      // For the sanitizer: every byte that is handed out is looked at.
      for (const std::byte& byte : piece.bytes) (void)*static_cast<const volatile std::byte*>(&byte);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  rec::RawChunk raw;
  const auto bytes = raw.resize(size);
  std::copy_n(reinterpret_cast<const std::byte*>(data), size, bytes.begin());
  const rec::fb::Chunk* chunk = rec::verified_chunk(raw.bytes());
  if (chunk == nullptr) return 0;
  try {
    if (const auto* header = chunk->body_as_Header()) (void)rec::unpack(*header);
    if (const auto* events = chunk->body_as_Events()) decode(*events);
    if (const auto* index = chunk->body_as_Index()) {
      // So that what an index claims of the file's length does not end it here.
      const auto* chunks = index->chunks();
      rec::check_aligned(chunks);
      const auto* last = chunks != nullptr && chunks->size() > 0 ? chunks->Get(chunks->size() - 1) : nullptr;
      const std::uint64_t end =
          last == nullptr ? 0 : last->offset() + rec::layout::chunk_header_size + last->compressed_size();
      (void)rec::read_index(*index, end);
    }
  } catch (const rec::Implausible&) {
  } catch (const rec::Error&) {
  }
  return 0;
}

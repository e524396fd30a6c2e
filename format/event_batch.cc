#include "format/event_batch.h"

namespace rec {

void EventBatch::add(const Event& event, std::span<const std::vector<BlockHash>> in_blocks,
                     const std::shared_ptr<const void>& keeper) {
  events.push_back({event.args, event.result, event.enter_ns, event.leave_ns, event.tid, event.nr,
                    static_cast<std::uint32_t>(event.data.size()), event.flags, event.kind});
  ++count;
  for (std::size_t i = 0; i < event.data.size(); ++i) {
    const Data& data = event.data[i];
    const bool is_large = !in_blocks.empty() && !in_blocks[i].empty();
    const auto stored = is_large ? std::as_bytes(std::span(in_blocks[i])) : data.bytes;
    pieces.push_back(
        {data.address.address(), data.bytes.size(), data.full_size, data.role, data.argument, is_large});
    if (is_large && keeper != nullptr) add_unhashed(data.bytes, keeper);
    heap.insert(heap.end(), stored.begin(), stored.end());
  }
}

// Their hashes come next in `heap`.
void EventBatch::add_unhashed(std::span<const std::byte> bytes, const std::shared_ptr<const void>& keeper) {
  extra_bytes += bytes.size();
  std::size_t at = heap.size();
  for_blocks(bytes, [&](std::span<const std::byte> block) {
    unhashed_blocks.push_back({at, block, keeper});
    at += sizeof(BlockHash);
  });
}

void EventBatch::add_late(std::uint32_t amount, std::size_t size, std::unique_ptr<EventSource> source) {
  late.push_back({events.size(), std::move(source)});
  count += amount;
  extra_bytes += size;
}

}  // namespace rec

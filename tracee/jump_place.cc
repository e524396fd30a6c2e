#include "tracee/jump_place.h"

#include <algorithm>
#include <array>

#include "format/base/remote_ptr.h"
#include "tracee/instruction.h"

namespace rec {
namespace {

// vm.mmap_min_addr is 64 KiB at most places.
constexpr std::uint64_t lowest = 0x10000;
constexpr std::uint64_t highest = 0x7ffffffff000;
// A stack may grow downwards, and the kernel keeps a gap of 1 MiB below it (mmap(2), MAP_GROWSDOWN).
constexpr std::uint64_t distance = 2 << 20;

struct Range {
  std::uint64_t low = 0;
  std::uint64_t high = 0;  // inclusive
};

// The place in `wanted` that is nearest to `near`, in the gap [start, end).
std::optional<std::uint64_t> place_in_gap(std::uint64_t start, std::uint64_t end, Range wanted,
                                          std::uint64_t near, std::uint64_t room) {
  if (end < start || end - start < room) return std::nullopt;
  const std::uint64_t low = std::max(wanted.low, start);
  const std::uint64_t last_page = end - room;
  const std::uint64_t high = std::min(wanted.high, last_page + page_size - 1);
  if (low > high) return std::nullopt;
  std::uint64_t at = std::clamp(near, low, high);
  // The beginning of a page, where that is allowed.
  if (page_up(at) <= std::min(high, last_page)) return page_up(at);
  if (page_down(at) >= low) return page_down(at);
  return at;
}

std::optional<std::uint64_t> nearest_place(const std::vector<MapsEntry>& maps, Range wanted,
                                           std::uint64_t near, std::uint64_t room) {
  std::optional<std::uint64_t> best;
  const auto consider = [&](std::uint64_t start, std::uint64_t end) {
    const auto at = place_in_gap(start, end, wanted, near, room);
    const auto far = [near](std::uint64_t place) { return place > near ? place - near : near - place; };
    if (at && (!best || far(*at) < far(*best))) best = at;
  };
  std::uint64_t free_from = lowest;
  for (const MapsEntry& entry : maps) {
    const std::uint64_t start = entry.start.address();
    if (start > highest) break;
    if (start > free_from + 2 * distance) consider(free_from, start - distance);
    free_from = entry.end.address() + page_size;
  }
  consider(free_from, highest);
  return best;
}

}  // namespace

std::optional<JumpPlace> find_jump_place(std::uint64_t address, std::size_t length,
                                         std::span<const std::byte> code, const std::vector<MapsEntry>& maps,
                                         std::uint64_t room) {
  constexpr std::array prefixes{std::byte{0x2e}, std::byte{0x3e}, std::byte{0x26}, std::byte{0x36}};
  for (std::size_t padding = 0; padding < length && padding < prefixes.size(); ++padding) {
    if (length >= jump_length && padding > 0) break;
    const std::size_t free_bytes = std::min<std::size_t>(length - padding - 1, 4);
    const std::uint64_t behind = address + padding + jump_length;
    if (code.size() < padding + jump_length) return std::nullopt;
    // Bytes of the displacement that are not ours count as they are.
    std::uint32_t fixed = 0;
    for (std::size_t i = free_bytes; i < 4; ++i)
      fixed |= std::to_integer<std::uint32_t>(code[padding + 1 + i]) << (8 * i);
    const std::uint64_t span = (std::uint64_t{1} << (8 * free_bytes)) - 1;
    Range wanted;
    if (free_bytes == 4) {
      constexpr std::uint64_t reach = 0x7fff0000;
      wanted = {behind > reach ? behind - reach : 0, behind + reach};
    } else {
      const auto offset = static_cast<std::int64_t>(static_cast<std::int32_t>(fixed));
      wanted.low = behind + static_cast<std::uint64_t>(offset);
      wanted.high = wanted.low + span;
      if (wanted.high < wanted.low || wanted.low > highest) continue;
    }
    const auto target = nearest_place(maps, wanted, address, room);
    if (!target) continue;
    JumpPlace place;
    place.target = *target;
    const std::uint64_t displacement = *target - behind;
    for (std::size_t i = 0; i < padding; ++i) place.bytes.push_back(prefixes[i]);
    place.bytes.push_back(std::byte{0xe9});
    for (std::size_t i = 0; i < free_bytes; ++i) place.bytes.push_back(std::byte(displacement >> (8 * i)));
    return place;
  }
  return std::nullopt;
}

}  // namespace rec

#include "tracee/page_cache.h"

#include <algorithm>

#include "format/base/error.h"

namespace rec {

PageCache::Page& PageCache::page_at(std::uint64_t start) const {
  const auto [at, is_new] = pages_.try_emplace(start);
  if (is_new) {
    std::vector<std::byte>& bytes = at->second.bytes;
    bytes.resize(page_size);
    bytes.resize(memory_.read_some(RemotePtr<>(start), bytes));
  }
  return at->second;
}

std::size_t PageCache::read_some(RemotePtr<> from, std::span<std::byte> buffer) const {
  constexpr std::size_t most = 2 * page_size;
  if (buffer.size() > most) return memory_.read_some(from, buffer);
  std::size_t done = 0;
  while (done < buffer.size()) {
    const std::uint64_t at = from.address() + done;
    const std::size_t skip = at % page_size;
    const Page& page = page_at(at - skip);
    if (page.bytes.size() <= skip) break;
    const std::size_t piece = std::min(buffer.size() - done, page.bytes.size() - skip);
    std::copy_n(page.bytes.begin() + static_cast<std::ptrdiff_t>(skip), piece,
                buffer.begin() + static_cast<std::ptrdiff_t>(done));
    done += piece;
  }
  return done;
}

void PageCache::write(std::uint64_t to, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const std::size_t skip = to % page_size;
    Page& page = page_at(to - skip);
    ENSURE(page.bytes.size() > skip, "code at {:#x} cannot be written: it is not there", to);
    const std::size_t piece = std::min(bytes.size(), page.bytes.size() - skip);
    std::copy_n(bytes.begin(), piece, page.bytes.begin() + static_cast<std::ptrdiff_t>(skip));
    const bool is_first = page.changed_to == 0;
    page.changed_from = is_first ? skip : std::min(page.changed_from, skip);
    page.changed_to = std::max(page.changed_to, skip + piece);
    bytes = bytes.subspan(piece);
    to += piece;
  }
}

void PageCache::flush() {
  std::vector<RemoteMemory::Piece> pieces;
  for (auto& [start, page] : pages_) {
    if (page.changed_to == 0) continue;
    pieces.push_back({RemotePtr<>(start + page.changed_from),
                      std::span(page.bytes).subspan(page.changed_from, page.changed_to - page.changed_from)});
    page.changed_from = page.changed_to = 0;
  }
  memory_.write_protected(pieces);
}

}  // namespace rec

#include "format/base/memory.h"

#include <algorithm>

namespace rec {

std::optional<std::string> Memory::read_string(RemotePtr<> from, std::size_t limit, bool* complete) const {
  if (complete != nullptr) *complete = false;
  std::string text;
  std::array<std::byte, 256> piece;
  bool any = false;
  while (text.size() < limit) {
    const std::uint64_t at = from.address() + text.size();
    // Up to the page's end only: the next page may be unmapped although the string ends before it.
    const std::uint64_t to_page_end = page_size - at % page_size;
    const std::size_t want = std::min({piece.size(), std::size_t{to_page_end}, limit - text.size()});
    const std::size_t got = read_some(RemotePtr<>(at), std::span(piece).first(want));
    if (got == 0) break;
    any = true;
    const auto end = std::find(piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(got), std::byte{0});
    text.append(reinterpret_cast<const char*>(piece.data()), static_cast<std::size_t>(end - piece.begin()));
    if (end != piece.begin() + static_cast<std::ptrdiff_t>(got)) {
      if (complete != nullptr) *complete = true;
      return text;
    }
    if (got < want) break;
  }
  if (!any && limit > 0) return std::nullopt;
  return text;
}

}  // namespace rec

#pragma once

#include <cstddef>
#include <cstring>
#include <span>

namespace rec {

// Whether all bytes are zero; true for none at all.
[[nodiscard]] inline bool is_zero(std::span<const std::byte> bytes) {
  return bytes.empty() ||
         (bytes.front() == std::byte{} && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

}  // namespace rec

// A zstd frame of what does not compress: raw blocks only (RFC 8878, 3.1.1.2), which refer to the content
// where it lies instead of copying it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

namespace rec {

class StoredFrame {
 public:
  // The content is what `pieces` hold, one behind the other: less than 4 GiB, there as long as the frame is
  // in use.
  explicit StoredFrame(std::span<const std::span<const std::byte>> pieces);
  StoredFrame(const StoredFrame&) = delete;
  StoredFrame& operator=(const StoredFrame&) = delete;

  // The frame's bytes are those of its parts, one behind the other.
  [[nodiscard]] std::span<const std::span<const std::byte>> parts() const { return parts_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }

 private:
  void add(std::span<const std::byte> part);
  void add_block_header(std::uint64_t size, bool is_last);

  std::array<std::byte, 9> header_{};
  std::deque<std::array<std::byte, 3>> block_headers_;  // they do not move
  std::vector<std::span<const std::byte>> parts_;
  std::uint64_t size_ = 0;
};

}  // namespace rec

#include "format/stored_frame.h"

#include <algorithm>
#include <cstring>

namespace rec {
namespace {

constexpr std::uint32_t magic_number = 0xFD2FB528;
// Frame_Header_Descriptor: a content size of four bytes, a single segment, no checksum, no dictionary.
constexpr std::byte descriptor{0xA0};
constexpr std::uint64_t max_block = 128 << 10;  // Block_Maximum_Size

// So many bytes of a number, lowest first.
template <std::size_t size>
void put_number(std::byte* to, std::uint64_t value) {
  for (std::size_t i = 0; i < size; ++i) to[i] = static_cast<std::byte>(value >> 8 * i);
}

}  // namespace

StoredFrame::StoredFrame(std::span<const std::span<const std::byte>> pieces) {
  std::uint64_t left = 0;
  for (const auto& piece : pieces) left += piece.size();
  put_number<4>(header_.data(), magic_number);
  header_[4] = descriptor;
  put_number<4>(&header_[5], left);
  add(header_);
  if (left == 0) add_block_header(0, true);
  std::uint64_t in_block = 0;  // still to come of the block
  for (std::span<const std::byte> piece : pieces) {
    while (!piece.empty()) {
      if (in_block == 0) {
        in_block = std::min(left, max_block);
        left -= in_block;
        add_block_header(in_block, left == 0);
      }
      const auto part = piece.first(std::min<std::uint64_t>(piece.size(), in_block));
      add(part);
      piece = piece.subspan(part.size());
      in_block -= part.size();
    }
  }
}

void StoredFrame::add(std::span<const std::byte> part) {
  parts_.push_back(part);
  size_ += part.size();
}

void StoredFrame::add_block_header(std::uint64_t size, bool is_last) {
  constexpr std::uint64_t raw_block = 0;  // Block_Type, bits 1 and 2
  put_number<3>(block_headers_.emplace_back().data(), size << 3 | raw_block << 1 | (is_last ? 1 : 0));
  add(block_headers_.back());
}

}  // namespace rec

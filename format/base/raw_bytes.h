// A piece of memory that is filled by whoever makes it: unlike those of a vector, its bytes are not zeroed
// first.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace rec {

class RawBytes {
 public:
  RawBytes() = default;
  explicit RawBytes(std::size_t size)
      : bytes_(std::make_unique_for_overwrite<std::byte[]>(size)), size_(size), room_(size) {}

  [[nodiscard]] std::size_t size() const { return size_; }
  // How many bytes resize() may ask for without new memory.
  [[nodiscard]] std::size_t room() const { return room_; }
  [[nodiscard]] std::span<std::byte> span() { return {bytes_.get(), size_}; }
  [[nodiscard]] std::span<const std::byte> span() const { return {bytes_.get(), size_}; }

  // What was there is lost.
  void resize(std::size_t size) {
    if (size > room_) *this = RawBytes(size);
    size_ = size;
  }

 private:
  std::unique_ptr<std::byte[]> bytes_;
  std::size_t size_ = 0;
  std::size_t room_ = 0;
};

}  // namespace rec

// A whole file, read. It is not mapped: one that somebody cuts off meanwhile shall not end rec with a SIGBUS.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace rec {

// Reads from `offset` until the buffer is full, the file ends or an error; the part that was filled.
[[nodiscard]] std::span<const std::byte> read_file_part(int fd, std::uint64_t offset,
                                                        std::span<std::byte> buffer);

class [[nodiscard]] FileBytes {
 public:
  // The first `size` bytes, fewer if there are no more. Throws Error when there is no memory for them.
  FileBytes(int fd, std::uint64_t size);
  FileBytes(const FileBytes&) = delete;
  FileBytes& operator=(const FileBytes&) = delete;
  ~FileBytes();

  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::uint64_t mapped_size_;
  void* mapped_;
  std::span<const std::byte> bytes_;
};

}  // namespace rec

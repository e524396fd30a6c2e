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
  // Memory from mmap(2).
  struct Pages {
    void* start = nullptr;
    std::uint64_t size = 0;
  };

  // The first `size` bytes, fewer if there are no more. Throws Error when there is no memory for them.
  FileBytes(int fd, std::uint64_t size);
  FileBytes(const FileBytes&) = delete;
  FileBytes& operator=(const FileBytes&) = delete;
  ~FileBytes();

  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

 private:
  Pages pages_;
  std::span<const std::byte> bytes_;
};

}  // namespace rec

// A whole file, read. It is not mapped: one that somebody cuts off meanwhile shall not end rec with a SIGBUS.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "tracee/seen_file.h"

namespace rec {

// Reads from `offset` until the buffer is full, the file ends or an error; the part that was filled.
[[nodiscard]] std::span<const std::byte> read_file_part(int fd, std::uint64_t offset,
                                                        std::span<std::byte> buffer);

class [[nodiscard]] FileBytes {
 public:
  // The first `size` bytes, fewer if there are no more. Those of the file that was read before this one are
  // still there, if nothing can have changed it since. Throws Error when there is no memory for them.
  FileBytes(int fd, std::uint64_t size);
  FileBytes(const FileBytes&) = delete;
  FileBytes& operator=(const FileBytes&) = delete;
  ~FileBytes();

  [[nodiscard]] std::span<const std::byte> bytes() const { return memory_.bytes; }

  // Pages from mmap(2), and what has been read into them.
  struct Memory {
    void* start = nullptr;
    std::uint64_t size = 0;
    std::span<const std::byte> bytes;
    std::optional<FileVersion> version;  // nullopt: bytes that may be outdated already
  };

 private:
  Memory memory_;
};

}  // namespace rec

// Reading a part of a file, whatever it takes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace rec {

// Reads from `offset` until the buffer is full, the file ends or an error; the part that was filled.
[[nodiscard]] std::span<const std::byte> read_file_part(int fd, std::uint64_t offset,
                                                        std::span<std::byte> buffer);

// The same, with zeros where there was nothing to read, as in a mapping past a file's end.
void read_file_part_or_zeros(int fd, std::uint64_t offset, std::span<std::byte> buffer);

}  // namespace rec

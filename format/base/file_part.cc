#include "format/base/file_part.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace rec {

std::span<const std::byte> read_file_part(int fd, std::uint64_t offset, std::span<std::byte> buffer) {
  std::size_t done = 0;
  while (done < buffer.size()) {
    const ssize_t got =
        ::pread(fd, buffer.data() + done, buffer.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
  }
  return buffer.first(done);
}

void read_file_part_or_zeros(int fd, std::uint64_t offset, std::span<std::byte> buffer) {
  const std::size_t filled = read_file_part(fd, offset, buffer).size();
  std::fill(buffer.begin() + static_cast<std::ptrdiff_t>(filled), buffer.end(), std::byte{0});
}

}  // namespace rec

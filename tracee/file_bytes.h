// A whole file's bytes, as the page cache has them: mapped, not copied, since memory for a copy would be
// cleared first, which takes longer than the copy.
#pragma once

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <span>

namespace rec {

// What is looked at of a file's pages counts as rec's memory: one that is larger is better looked at piece by
// piece (format/base/file_part.h) where that will do.
inline constexpr std::uint64_t largest_whole_file = 32 << 20;

// Somebody may cut the file off while it is looked at, or the disk may fail: what is gone reads as zeros.
// (mmap(2) has SIGBUS for that, whose handler the first object installs: it is for the others of its thread,
// and leaves alone what does not come from one of them. A program that was to have SIGBUS ignored has to be
// started before.)
class [[nodiscard]] FileBytes {
 public:
  // The first `size` bytes, fewer if there are no more. To be destroyed by the same thread, in reverse order.
  // Throws Error when the file cannot be mapped.
  FileBytes(int fd, std::uint64_t size);
  FileBytes(const FileBytes&) = delete;
  FileBytes& operator=(const FileBytes&) = delete;
  ~FileBytes();

  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

 private:
  friend void read_as_zeros(int signal, siginfo_t* info, void* context);

  std::span<const std::byte> bytes_;
  const FileBytes* outer_ = nullptr;  // of the same thread
};

}  // namespace rec

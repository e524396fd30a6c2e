// The file that a trace is written to, append-only.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "format/base/unique_fd.h"

namespace rec {

class [[nodiscard]] OutputFile {
 public:
  // Creates `path`, with mode 0600. A file of the same user's that was there is replaced, so that whoever
  // reads it goes on doing so; what cannot be replaced (a link, a file in somebody else's directory) is
  // emptied, and a device is written to. It will not have more than `max_size` bytes. Throws Error.
  OutputFile(const std::string& path, std::uint64_t max_size);

  // Writes `head` and then the parts of `body`, whole, or throws Error and leaves the file as it was, where
  // the file system lets us.
  void append(std::span<const std::byte> head, std::span<const std::span<const std::byte>> body);
  void append(std::span<const std::byte> head, std::span<const std::byte> body = {}) {
    append(head, std::span<const std::span<const std::byte>>(&body, 1));
  }

  // Gives back what the file took that was there before, which takes its time if that was long.
  void drop_replaced() { replaced_.reset(); }

  // Takes the file's end off: it has `size` bytes then. Throws Error.
  void cut_to(std::uint64_t size);

  // Reports what the file system kept back until now (NFS, quotas), and gives back what was reserved. Throws
  // Error.
  void close();

  [[nodiscard]] std::uint64_t size() const {
    return size_.load(std::memory_order_relaxed);
  }  // from any thread

 private:
  void reserve(std::uint64_t end);
  void write_all(std::span<std::span<const std::byte>> parts);
  [[noreturn]] void fail_writing(int errno_value) const;

  std::string path_;
  UniqueFd replaced_;  // has no name any more
  UniqueFd fd_;
  std::uint64_t max_size_;
  std::atomic<std::uint64_t> size_ = 0;
  std::uint64_t reserved_ = 0;  // the file system has blocks for so many bytes; only if can_reserve_
  bool can_reserve_ = false;
};

}  // namespace rec

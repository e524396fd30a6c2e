// A tracee's memory while it stands still: a page of which small pieces are read is read once, and one of
// which pieces are changed is written once. For code, above all: it may be memory that the task cannot write.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "tracee/remote_memory.h"

namespace rec {

class PageCache : public Memory {
 public:
  // Nothing else may change the memory meanwhile; for writing, the task has to be in a ptrace stop.
  explicit PageCache(const RemoteMemory& memory) : memory_(memory) {}
  PageCache(const PageCache&) = delete;
  PageCache& operator=(const PageCache&) = delete;

  // With what was written so far, unless it is more than two pages.
  [[nodiscard]] std::size_t read_some(RemotePtr<> from, std::span<std::byte> buffer) const override;
  // Whether all pages of it can be read.
  [[nodiscard]] bool holds(RemotePtr<> start, std::size_t size) const;
  // Precondition: holds(), or read_some() has given what is there now.
  void write(std::uint64_t to, std::span<const std::byte> bytes);
  void flush();  // and forgets what it has read

 private:
  struct Page {
    std::vector<std::byte> bytes;  // shorter than a page: the rest cannot be read
    std::size_t changed_from = 0, changed_to = 0;
  };
  Page& page_at(std::uint64_t start) const;

  RemoteMemory memory_;
  mutable std::map<std::uint64_t, Page> pages_;
};

// Writes all pieces in their order, also to pages that the tracee itself may only read; those may cross a
// page's end here. Precondition: the task is in a ptrace stop, or none of the pages is such a one. Throws
// Error when an address is not mapped.
void write_all(const RemoteMemory& memory, std::span<const RemoteMemory::Piece> pieces);

}  // namespace rec

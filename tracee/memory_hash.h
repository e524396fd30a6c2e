// One number for all of a process's memory that its code can change: equal memory gives equal numbers,
// however much of it the kernel has made present.
//
//   total = sum over pages of hash(page, its address), a page of zeros counting 0
//
// What counts is what can be written now: anonymous memory (the pages that are there; all others are zeros),
// written mappings of files, memory shared with others. Not rec's own pages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "format/base/ids.h"
#include "format/base/remote_ptr.h"

namespace rec {

struct MemoryRange {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  [[nodiscard]] bool contains(std::uint64_t address) const { return start <= address && address < end; }
};

// Bytes to be taken for what is in memory at `address` (where rec has patched the program's code).
struct MemoryOverlay {
  std::uint64_t address = 0;
  std::span<const std::byte> bytes;
};

struct PageHash {
  std::uint64_t address = 0;
  std::uint64_t hash = 0;
  bool operator==(const PageHash&) const = default;
};

struct MemoryHash {
  std::uint64_t total = 0;
  std::vector<PageHash> pages;  // by address; none that is all zeros
};

// Preconditions: every task of the address space is stopped or inside the kernel. `except`: rec's own
// mappings besides the agent area, page-aligned. Throws TaskGone.
[[nodiscard]] MemoryHash hash_memory(Tid tid, std::span<const MemoryRange> except,
                                     std::span<const MemoryOverlay> overlays = {});

// The hash of one page (page_size bytes) at `address`.
[[nodiscard]] std::uint64_t hash_page(std::span<const std::byte> page, std::uint64_t address);

}  // namespace rec

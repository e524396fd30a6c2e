#include "tracee/memory_hash.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "format/base/error.h"
#include "format/base/unique_fd.h"
#include "format/base/zeros.h"
#include "tracee/agent/layout.h"
#include "tracee/agent_area.h"
#include "tracee/maps.h"
#include "tracee/remote_memory.h"
#include "tracee/stopped.h"

namespace rec {
namespace {

// Pages are read this many bytes at a time.
constexpr std::uint64_t chunk_size = 256 * 1024;
// Mappings of files up to this size are read as a whole; of larger ones the pages that differ from the file
// count (private), or those that the process has touched (shared).
constexpr std::uint64_t whole_file_size = 64 << 20;
// Without PAGEMAP_SCAN each page costs 8 bytes of pagemap, be it there or not; mappings larger than this are
// shadow memory or the like.
constexpr std::uint64_t largest_listed = std::uint64_t{64} << 30;

// struct pm_scan_arg (linux/fs.h since 6.7; Documentation/admin-guide/mm/pagemap.rst).
struct ScanArguments {
  std::uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
  std::uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
struct ScanRegion {
  std::uint64_t start, end, categories;
};
constexpr std::uint64_t page_is_file = 1 << 2;
constexpr std::uint64_t page_is_present = 1 << 3;
constexpr std::uint64_t page_is_swapped = 1 << 4;

// Which pages of a mapping are to be read.
enum class Wanted {
  there,    // present or swapped out
  own_copy  // … and no longer the file's
};

class PageLister {
 public:
  explicit PageLister(Tid tid)
      : file_(::open(fmt::format("/proc/{}/pagemap", tid).c_str(), O_RDONLY | O_CLOEXEC)) {
    if (!file_.is_open() && errno == ENOENT) throw TaskGone{tid};
    if (!file_.is_open()) fail_with_errno(fmt::format("/proc/{}/pagemap", tid));
  }

  void list(std::uint64_t start, std::uint64_t end, Wanted wanted, std::vector<MemoryRange>* found) {
    if (can_scan_ && scan(start, end, wanted, found)) return;
    read_entries(start, end, wanted, found);
  }

 private:
  bool scan(std::uint64_t start, std::uint64_t end, Wanted wanted, std::vector<MemoryRange>* found) {
    std::array<ScanRegion, 512> regions;
    while (start < end) {
      ScanArguments arguments{};
      arguments.size = sizeof arguments;
      arguments.start = start;
      arguments.end = end;
      arguments.vec = reinterpret_cast<std::uint64_t>(regions.data());
      arguments.vec_len = regions.size();
      if (wanted == Wanted::own_copy) arguments.category_mask = arguments.category_inverted = page_is_file;
      arguments.category_anyof_mask = page_is_present | page_is_swapped;
      arguments.return_mask = page_is_present | page_is_swapped;
      const int count = ::ioctl(file_.get(), _IOWR('f', 16, ScanArguments), &arguments);
      if (count < 0) {
        can_scan_ = false;
        return false;
      }
      for (int i = 0; i < count; ++i)
        found->push_back(
            {regions[static_cast<std::size_t>(i)].start, regions[static_cast<std::size_t>(i)].end});
      start = arguments.walk_end;
    }
    return true;
  }

  void read_entries(std::uint64_t start, std::uint64_t end, Wanted wanted, std::vector<MemoryRange>* found) {
    if (end - start > largest_listed) return;
    std::vector<std::uint64_t> entries(4096);
    while (start < end) {
      const std::uint64_t count = std::min<std::uint64_t>(entries.size(), (end - start) / page_size);
      const ssize_t got = ::pread(file_.get(), entries.data(), count * sizeof(std::uint64_t),
                                  static_cast<off_t>(start / page_size * sizeof(std::uint64_t)));
      if (got <= 0) fail_with_errno("pagemap of a tracee");
      for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(got) / sizeof(std::uint64_t); ++i) {
        // Bit 63: present, 62: swapped, 61: page of a file or shared memory.
        const bool there = entries[i] >> 62 != 0;
        const bool of_file = (entries[i] >> 61 & 1) != 0;
        if (there && (wanted == Wanted::there || !of_file)) {
          const std::uint64_t page = start + i * page_size;
          if (!found->empty() && found->back().end == page) {
            found->back().end += page_size;
          } else {
            found->push_back({page, page + page_size});
          }
        }
      }
      start += static_cast<std::uint64_t>(got) / sizeof(std::uint64_t) * page_size;
    }
  }

  UniqueFd file_;
  bool can_scan_ = true;
};

bool counts(const MapsEntry& entry) {
  constexpr std::uint32_t needed = PROT_READ | PROT_WRITE;
  return (entry.protection & needed) == needed && !agent_area::contains(entry.start.address()) &&
         entry.start.address() != agent::shared_address;
}

std::vector<MemoryRange> ranges_to_read(Tid tid) {
  PageLister lister(tid);
  std::vector<MemoryRange> ranges;
  for (const MapsEntry& entry : read_maps(tid)) {
    if (!counts(entry)) continue;
    const std::uint64_t start = entry.start.address(), end = entry.end.address();
    const bool of_file = entry.inode != 0 || entry.shared;
    if (of_file && entry.size() <= whole_file_size) {
      ranges.push_back({start, end});
    } else {
      lister.list(start, end, of_file && !entry.shared ? Wanted::own_copy : Wanted::there, &ranges);
    }
  }
  return ranges;
}

void lay_over(std::span<std::byte> bytes, std::uint64_t address, std::span<const MemoryOverlay> overlays) {
  for (const MemoryOverlay& overlay : overlays) {
    for (std::size_t i = 0; i < overlay.bytes.size(); ++i) {
      const std::uint64_t at = overlay.address + i - address;
      if (at < bytes.size()) bytes[at] = overlay.bytes[i];
    }
  }
}

void add_pages(MemoryHash* hash, std::span<const std::byte> bytes, std::uint64_t address,
               std::span<const MemoryRange> except) {
  for (std::uint64_t at = 0; at + page_size <= bytes.size(); at += page_size) {
    const std::uint64_t page = address + at;
    if (std::any_of(except.begin(), except.end(),
                    [&](const MemoryRange& range) { return range.contains(page); }))
      continue;
    const std::uint64_t value = hash_page(bytes.subspan(at, page_size), page);
    if (value == 0) continue;
    hash->pages.push_back({page, value});
    hash->total += value;
  }
}

}  // namespace

std::uint64_t hash_page(std::span<const std::byte> page, std::uint64_t address) {
  return is_zero(page) ? 0 : XXH3_64bits_withSeed(page.data(), page.size(), address);
}

MemoryHash hash_memory(Tid tid, std::span<const MemoryRange> except,
                       std::span<const MemoryOverlay> overlays) {
  const RemoteMemory memory(tid);
  std::vector<std::byte> buffer(chunk_size);
  MemoryHash hash;
  for (const MemoryRange& range : ranges_to_read(tid)) {
    for (std::uint64_t at = range.start; at < range.end;) {
      const std::span bytes = std::span(buffer).first(std::min(chunk_size, range.end - at));
      const std::size_t got = memory.read_some(RemotePtr<>(at), bytes) & ~(page_size - 1);
      const std::span read = bytes.first(got);
      lay_over(read, at, overlays);
      add_pages(&hash, read, at, except);
      // What cannot be read (beyond the end of a file) is no memory.
      at += got == bytes.size() ? got : got + page_size;
    }
  }
  return hash;
}

}  // namespace rec

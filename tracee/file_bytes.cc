#include "tracee/file_bytes.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <utility>

#include "format/base/error.h"

namespace rec {
namespace {

constexpr std::uint64_t huge_page = 2 << 20;

// What the last file was read into is kept for the next one, which may be the same: the kernel has cleared it
// already. A library that is larger does not come often.
constexpr std::uint64_t most_kept = 16 << 20;
std::mutex kept_mutex;
FileBytes::Memory kept;

// With bytes in it if it has the first `size` ones of the version.
FileBytes::Memory take_memory(std::uint64_t size, const std::optional<FileVersion>& version) {
  const std::uint64_t wanted = (size + huge_page - 1) / huge_page * huge_page + huge_page;
  {
    const std::lock_guard lock(kept_mutex);
    if (kept.size >= wanted) {
      FileBytes::Memory memory = std::exchange(kept, {});
      if (!version || memory.version != version || memory.bytes.size() != size) memory.bytes = {};
      memory.version = version;
      return memory;
    }
  }
  void* const start = ::mmap(nullptr, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) fail_with_errno(fmt::format("mmap of {} bytes", wanted));
  return {start, wanted, {}, version};
}

void give_back(FileBytes::Memory memory) {
  {
    const std::lock_guard lock(kept_mutex);
    if (memory.size <= most_kept && memory.size > kept.size) std::swap(kept, memory);
  }
  if (memory.start != nullptr) (void)::munmap(memory.start, memory.size);
}

}  // namespace

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

// Of a compiler's 30 MB, the page faults would take longer than copying them: the memory is aligned for huge
// pages (which the kernel does by itself only since 6.7), and asks for them. Where there are none
// (madvise(2), EINVAL), small ones serve.
FileBytes::FileBytes(int fd, std::uint64_t size) {
  const auto seen = SeenFile::look(fd, {});
  memory_ = take_memory(size, seen && seen->has_rested() ? std::optional(seen->version()) : std::nullopt);
  if (!memory_.bytes.empty()) return;
  const std::uint64_t unaligned = reinterpret_cast<std::uintptr_t>(memory_.start) % huge_page;
  std::byte* const start =
      static_cast<std::byte*>(memory_.start) + (unaligned == 0 ? 0 : huge_page - unaligned);
  // (A huge page is cleared whole: too much for a small file.)
  if (size >= huge_page / 2) (void)::madvise(start, memory_.size - huge_page, MADV_HUGEPAGE);
  memory_.bytes = read_file_part(fd, 0, std::span(start, size));
}

FileBytes::~FileBytes() { give_back(memory_); }

}  // namespace rec

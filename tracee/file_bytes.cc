#include "tracee/file_bytes.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "format/base/error.h"

namespace rec {
namespace {

constexpr std::uint64_t huge_page = 2 << 20;

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
FileBytes::FileBytes(int fd, std::uint64_t size)
    : mapped_size_((size + huge_page - 1) / huge_page * huge_page + huge_page) {
  mapped_ = ::mmap(nullptr, mapped_size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped_ == MAP_FAILED) fail_with_errno(fmt::format("mmap of {} bytes", mapped_size_));
  const std::uint64_t unaligned = reinterpret_cast<std::uintptr_t>(mapped_) % huge_page;
  std::byte* const start = static_cast<std::byte*>(mapped_) + (unaligned == 0 ? 0 : huge_page - unaligned);
  // (A huge page is cleared whole: too much for a small file.)
  if (size >= huge_page / 2) (void)::madvise(start, mapped_size_ - huge_page, MADV_HUGEPAGE);
  bytes_ = read_file_part(fd, 0, std::span(start, size));
}

FileBytes::~FileBytes() { (void)::munmap(mapped_, mapped_size_); }

}  // namespace rec

#include "tracee/file_bytes.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <mutex>

#include "format/base/error.h"
#include "format/base/remote_ptr.h"

namespace rec {
namespace {

constinit thread_local const FileBytes* innermost = nullptr;
struct sigaction before {};

bool is_inside(const void* address, std::span<const std::byte> bytes) {
  const auto* at = static_cast<const std::byte*>(address);
  return !std::less<>()(at, bytes.data()) && std::less<>()(at, bytes.data() + page_up(bytes.size()));
}

}  // namespace

// Async-signal-safe. The access is made again when it returns.
void read_as_zeros(int /*signal*/, siginfo_t* info, void* /*context*/) {
  const int error = errno;
  const FileBytes* file = innermost;
  while (file != nullptr && !is_inside(info->si_addr, file->bytes_)) file = file->outer_;
  const bool is_access = info->si_code > 0;
  auto* const page =
      static_cast<std::byte*>(info->si_addr) - reinterpret_cast<std::uintptr_t>(info->si_addr) % page_size;
  const bool is_mended =
      is_access && file != nullptr &&
      ::mmap(page, page_size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
  if (!is_mended) {
    (void)::sigaction(SIGBUS, &before, nullptr);
    if (!is_access) (void)::raise(SIGBUS);
  }
  errno = error;
}

namespace {

void handle_cut_off_files() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action {};
    action.sa_sigaction = read_as_zeros;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    if (::sigaction(SIGBUS, &action, &before) != 0) fail_with_errno("sigaction of SIGBUS");
  });
}

std::uint64_t size_of(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
}

}  // namespace

FileBytes::FileBytes(int fd, std::uint64_t size) : outer_(innermost) {
  handle_cut_off_files();
  const std::uint64_t length = std::min(size, size_of(fd));
  if (length != 0) {
    const void* const start = ::mmap(nullptr, length, PROT_READ, MAP_PRIVATE, fd, 0);
    if (start == MAP_FAILED) fail_with_errno(fmt::format("mmap of {} bytes", length));
    bytes_ = {static_cast<const std::byte*>(start), length};
  }
  innermost = this;
}

FileBytes::~FileBytes() {
  innermost = outer_;
  if (!bytes_.empty()) (void)::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

}  // namespace rec

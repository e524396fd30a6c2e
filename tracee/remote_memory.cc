#include "tracee/remote_memory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "format/base/error.h"
#include "format/base/unique_fd.h"
#include "tracee/stopped.h"

namespace rec {

std::size_t RemoteMemory::read_some(RemotePtr<> from, std::span<std::byte> buffer) const {
  std::size_t done = 0;
  while (done < buffer.size()) {
    const iovec local{buffer.data() + done, buffer.size() - done};
    const iovec remote{reinterpret_cast<void*>(from.address() + done), buffer.size() - done};
    const ssize_t got = ::process_vm_readv(tid_.value(), &local, 1, &remote, 1, 0);
    if (got < 0 && errno == ESRCH) throw TaskGone{tid_};
    if (got <= 0) break;  // EFAULT: unmapped or PROT_NONE
    done += static_cast<std::size_t>(got);
  }
  return done;
}

std::size_t RemoteMemory::read_written(RemotePtr<> from, std::span<std::byte> buffer) const {
  std::size_t done = read_some(from, buffer);
  if (done == buffer.size()) return done;
  const UniqueFd file(::open(fmt::format("/proc/{}/mem", tid_).c_str(), O_RDONLY | O_CLOEXEC));
  while (file.is_open() && done < buffer.size()) {
    const auto at = static_cast<off_t>(from.address() + done);
    const ssize_t got = ::pread(file.get(), buffer.data() + done, buffer.size() - done, at);
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

std::vector<std::byte> RemoteMemory::read_bytes(RemotePtr<> from, std::size_t size) const {
  std::vector<std::byte> bytes(size);
  const std::size_t got = read_some(from, bytes);
  if (got != size) {
    fail("cannot read {} bytes at {} of task {}: only {} are there", size, from, tid_, got);
  }
  return bytes;
}

void RemoteMemory::write(RemotePtr<> to, std::span<const std::byte> bytes) const {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const iovec local{const_cast<std::byte*>(bytes.data() + done), bytes.size() - done};
    const iovec remote{reinterpret_cast<void*>(to.address() + done), bytes.size() - done};
    const ssize_t put = ::process_vm_writev(tid_.value(), &local, 1, &remote, 1, 0);
    if (put < 0 && errno == ESRCH) throw TaskGone{tid_};
    if (put <= 0) {
      // process_vm_writev respects page protection; ptrace does not (FOLL_FORCE, mm/gup.c).
      const std::size_t piece =
          std::min<std::size_t>(bytes.size() - done, page_size - (to.address() + done) % page_size);
      const Piece one{to.plus_bytes(done), bytes.subspan(done, piece)};
      write_protected(std::span(&one, 1));
      done += piece;
      continue;
    }
    done += static_cast<std::size_t>(put);
  }
}

void RemoteMemory::write_protected(std::span<const Piece> pieces) const {
  constexpr std::size_t few = 32;  // fewer pokes than what opening and closing the file takes
  UniqueFd file;
  if (pieces.size() > 1 || (pieces.size() == 1 && pieces.front().bytes.size() > few)) {
    // Writes like ptrace does, where the kernel lets it (fs/proc/base.c, mem_rw; since Linux 6.11 that is an
    // administrator's choice).
    file = UniqueFd(::open(fmt::format("/proc/{}/mem", tid_).c_str(), O_RDWR | O_CLOEXEC));
  }
  for (const Piece& piece : pieces) {
    const auto size = static_cast<ssize_t>(piece.bytes.size());
    const auto at = static_cast<off_t>(piece.to.address());
    const bool is_done =
        file.is_open() && ::pwrite(file.get(), piece.bytes.data(), piece.bytes.size(), at) == size;
    if (!is_done) write_by_poke(piece.to, piece.bytes);
  }
}

void RemoteMemory::write_by_poke(RemotePtr<> to, std::span<const std::byte> bytes) const {
  const Stopped task(tid_);
  std::size_t done = 0;
  while (done < bytes.size()) {
    const std::uint64_t at = to.address() + done;
    const std::uint64_t word_start = at & ~std::uint64_t{7};
    std::uint64_t word = task.peek(RemotePtr<>(word_start));
    const std::size_t skip = at - word_start;
    const std::size_t piece = std::min<std::size_t>(8 - skip, bytes.size() - done);
    std::memcpy(reinterpret_cast<std::byte*>(&word) + skip, bytes.data() + done, piece);
    task.poke(RemotePtr<>(word_start), word);
    done += piece;
  }
}

}  // namespace rec

#include "tracee/page_cache.h"

#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "format/base/error.h"
#include "tracee/stopped.h"

namespace rec {

PageCache::Page& PageCache::page_at(std::uint64_t start) const {
  const auto [at, is_new] = pages_.try_emplace(start);
  if (is_new) {
    std::vector<std::byte>& bytes = at->second.bytes;
    bytes.resize(page_size);
    bytes.resize(memory_.read_some(RemotePtr<>(start), bytes));
  }
  return at->second;
}

std::size_t PageCache::read_some(RemotePtr<> from, std::span<std::byte> buffer) const {
  constexpr std::size_t most = 2 * page_size;
  if (buffer.size() > most) return memory_.read_some(from, buffer);
  std::size_t done = 0;
  while (done < buffer.size()) {
    const std::uint64_t at = from.address() + done;
    const std::size_t skip = at % page_size;
    const Page& page = page_at(at - skip);
    if (page.bytes.size() <= skip) break;
    const std::size_t piece = std::min(buffer.size() - done, page.bytes.size() - skip);
    std::copy_n(page.bytes.begin() + static_cast<std::ptrdiff_t>(skip), piece,
                buffer.begin() + static_cast<std::ptrdiff_t>(done));
    done += piece;
  }
  return done;
}

bool PageCache::holds(RemotePtr<> start, std::size_t size) const {
  const std::uint64_t end = start.address() + size;
  for (std::uint64_t page = page_down(start.address()); page < end; page += page_size) {
    if (page_at(page).bytes.size() < page_size) return false;
  }
  return true;
}

void PageCache::write(std::uint64_t to, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const std::size_t skip = to % page_size;
    Page& page = page_at(to - skip);
    ENSURE(page.bytes.size() > skip, "code at {:#x} cannot be written: it is not there", to);
    const std::size_t piece = std::min(bytes.size(), page.bytes.size() - skip);
    std::copy_n(bytes.begin(), piece, page.bytes.begin() + static_cast<std::ptrdiff_t>(skip));
    const bool is_first = page.changed_to == 0;
    page.changed_from = is_first ? skip : std::min(page.changed_from, skip);
    page.changed_to = std::max(page.changed_to, skip + piece);
    bytes = bytes.subspan(piece);
    to += piece;
  }
}

void PageCache::flush() {
  std::vector<RemoteMemory::Piece> pieces;
  for (auto& [start, page] : pages_) {
    if (page.changed_to == 0) continue;
    pieces.push_back({RemotePtr<>(start + page.changed_from),
                      std::span(page.bytes).subspan(page.changed_from, page.changed_to - page.changed_from)});
  }
  memory_.write_protected(pieces);
  pages_.clear();
}

namespace {

// As many of the first pieces as one call can write, and the kernel writes whole: it stops at a page that the
// task may not write.
std::size_t write_first(Tid tid, std::span<const RemoteMemory::Piece> pieces) {
  const std::size_t count = std::min<std::size_t>(pieces.size(), IOV_MAX);
  std::vector<iovec> local(count), remote(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto bytes = pieces[i].bytes;
    local[i] = {const_cast<std::byte*>(bytes.data()), bytes.size()};
    remote[i] = {reinterpret_cast<void*>(pieces[i].to.address()), bytes.size()};
  }
  const ssize_t put = ::process_vm_writev(tid.value(), local.data(), count, remote.data(), count, 0);
  if (put < 0 && errno == ESRCH) throw TaskGone{tid};
  std::size_t left = put < 0 ? 0 : static_cast<std::size_t>(put);
  std::size_t whole = 0;
  while (whole < count && pieces[whole].bytes.size() <= left) left -= pieces[whole++].bytes.size();
  return whole;
}

}  // namespace

void write_all(const RemoteMemory& memory, std::span<const RemoteMemory::Piece> pieces) {
  while (pieces.size() > 1) {
    const std::size_t whole = write_first(memory.tid(), pieces);
    if (whole == 0) break;
    pieces = pieces.subspan(whole);
  }
  if (pieces.size() == 1) {
    memory.write(pieces.front().to, pieces.front().bytes);
    return;
  }
  // Code, mostly, changed in many places of few pages.
  PageCache pages(memory);
  for (const RemoteMemory::Piece& piece : pieces) {
    if (pages.holds(piece.to, piece.bytes.size())) {
      pages.write(piece.to.address(), piece.bytes);
    } else {
      pages.flush();
      memory.write(piece.to, piece.bytes);
    }
  }
  pages.flush();
}

}  // namespace rec

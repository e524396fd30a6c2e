#include "tools/file_pieces.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "format/base/error.h"
#include "format/base/unique_fd.h"

namespace rec {

void FilePieces::add(std::uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    auto next = pieces_.upper_bound(offset);
    if (next != pieces_.begin()) {
      const auto& [start, known] = *std::prev(next);
      const std::uint64_t end = start + known.size();
      if (end > offset) {  // known up to there
        const std::uint64_t skip = std::min<std::uint64_t>(end - offset, bytes.size());
        offset += skip;
        bytes = bytes.subspan(skip);
        continue;
      }
    }
    const std::uint64_t room = next == pieces_.end() ? bytes.size() : next->first - offset;
    const auto fresh = bytes.first(std::min<std::uint64_t>(room, bytes.size()));
    pieces_.emplace_hint(next, offset, std::vector(fresh.begin(), fresh.end()));
    offset += fresh.size();
    bytes = bytes.subspan(fresh.size());
  }
}

void FilePieces::add(TraceReader& reader, const Content& content) {
  for (const Content::Block& block : content.blocks)
    add(block.index * content_block_size, reader.block(block.hash));
}

void FilePieces::add(const FilePieces& others) {
  for (const auto& [start, bytes] : others.pieces_) add(start, bytes);
}

std::uint64_t FilePieces::end() const {
  return pieces_.empty() ? 0 : pieces_.rbegin()->first + pieces_.rbegin()->second.size();
}

std::uint64_t FilePieces::missing_below(std::uint64_t size) const {
  std::uint64_t known = 0;
  for (const auto& [start, bytes] : pieces_) {
    if (start < size) known += std::min<std::uint64_t>(bytes.size(), size - start);
  }
  return size - known;
}

std::vector<std::byte> FilePieces::first(std::size_t count) const {
  std::vector<std::byte> bytes;
  for (const auto& [start, piece] : pieces_) {
    if (start != bytes.size() || bytes.size() >= count) break;
    bytes.insert(bytes.end(), piece.begin(), piece.end());
  }
  bytes.resize(std::min(bytes.size(), count));
  return bytes;
}

void FilePieces::write_to(const std::string& path, std::uint64_t size, unsigned mode) const {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.is_open()) fail_with_errno(fmt::format("cannot create {}", path));
  for (const auto& [start, piece] : pieces_) {
    for (std::size_t done = 0; done < piece.size();) {
      const ssize_t written =
          ::pwrite(file.get(), piece.data() + done, piece.size() - done, static_cast<off_t>(start + done));
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) fail_with_errno(fmt::format("cannot write {}", path));
      done += static_cast<std::size_t>(written);
    }
  }
  // Neither set-user-ID nor set-group-ID: they would be the exporting user's.
  if (::ftruncate(file.get(), static_cast<off_t>(size)) != 0 || ::fchmod(file.get(), mode & 0777U) != 0)
    fail_with_errno(fmt::format("cannot write {}", path));
}

void make_directories_for(const std::string& path) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const std::string parent = path.substr(0, slash);
    if (::mkdir(parent.c_str(), 0755) != 0 && errno != EEXIST)
      fail_with_errno(fmt::format("cannot make the directory {}", parent));
  }
}

}  // namespace rec

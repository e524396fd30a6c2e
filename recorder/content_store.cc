#include "recorder/content_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <vector>

#include "format/base/error.h"
#include "format/base/unique_fd.h"

namespace rec {
namespace {

// Fewer bytes only at the end of the file.
std::vector<std::byte> read_block(int fd, std::uint64_t index, std::uint64_t file_size) {
  const std::uint64_t start = index * content_block_size;
  std::vector<std::byte> bytes(std::min(content_block_size, file_size - start));
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got =
        ::pread(fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(start + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;  // it shrank meanwhile: the rest stays zero, as a mapping would be past the end
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

// Kernel time stamps are as coarse as a tick (4 to 10 ms): a file written a moment ago may be written again
// without looking any different, so only a file that has rested counts as known.
bool has_rested(const struct stat& info) {
  return ::time(nullptr) - std::max(info.st_mtim.tv_sec, info.st_ctim.tv_sec) >= 2;
}

}  // namespace

ContentStore::Version ContentStore::version_of(const struct stat& info) {
  return {info.st_dev,          info.st_ino,         info.st_size,        info.st_mtim.tv_sec,
          info.st_mtim.tv_nsec, info.st_ctim.tv_sec, info.st_ctim.tv_nsec};
}

// What there is to store is stored already.
std::optional<ContentStore::Stored> ContentStore::find_stored(const struct stat& info, std::uint64_t offset,
                                                              std::uint64_t length) const {
  const auto known = known_.find(version_of(info));
  if (known == known_.end() || !has_rested(info)) return std::nullopt;
  const auto file_size = static_cast<std::uint64_t>(info.st_size);
  const std::uint64_t end = std::min(file_size, offset + length);
  for (std::uint64_t index = offset / content_block_size; keeps_bytes() && index * content_block_size < end;
       ++index) {
    if (known->second.blocks.count(index) == 0) return std::nullopt;
  }
  return Stored{known->second.id, file_size, info.st_dev, info.st_ino};
}

std::optional<ContentStore::Stored> ContentStore::store_file(const std::string& open_path,
                                                             const std::string& name, std::uint64_t offset,
                                                             std::uint64_t length) {
  struct stat info {};
  // The stat comes first: opening a device or a FIFO could have effects.
  if (::stat(open_path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  if (const auto stored = find_stored(info, offset, length)) return stored;
  const UniqueFd file(::open(open_path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file.is_open() || ::fstat(file.get(), &info) != 0) return std::nullopt;
  const Version version = version_of(info);
  const auto file_size = static_cast<std::uint64_t>(info.st_size);
  if (!has_rested(info)) known_.erase(version);
  auto [at, is_new] = known_.try_emplace(version);
  Known& known = at->second;
  if (is_new) known.id = writer_.add_content(Content{.path = name, .size = file_size, .blocks = {}});
  const Stored stored{known.id, file_size, info.st_dev, info.st_ino};
  if (!keeps_bytes()) return stored;
  std::vector<Content::Block> added;
  const std::uint64_t end = std::min(file_size, offset + length);
  for (std::uint64_t index = offset / content_block_size; index * content_block_size < end; ++index) {
    if (!known.blocks.insert(index).second) continue;
    added.push_back({index, writer_.add_block(read_block(file.get(), index, file_size))});
  }
  if (!added.empty()) writer_.extend_content(known.id, added);
  return stored;
}

ContentId ContentStore::store_memory(const RemoteMemory& memory, RemotePtr<> from, std::uint64_t size,
                                     const std::string& name) {
  Content content{.path = name, .size = size, .blocks = {}};
  for (std::uint64_t start = 0; keeps_bytes() && start < size; start += content_block_size) {
    std::vector<std::byte> bytes(std::min(content_block_size, size - start));
    // Page by page past the first hole: what lies behind it may be readable.
    for (std::size_t done = 0; done < bytes.size();) {
      done += memory.read_some(from.plus_bytes(start + done), std::span(bytes).subspan(done));
      if (done < bytes.size()) done = std::min<std::size_t>(bytes.size(), page_up(done + 1));
    }
    content.blocks.push_back({start / content_block_size, writer_.add_block(bytes)});
  }
  return writer_.add_content(content);
}

}  // namespace rec

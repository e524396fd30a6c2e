#include "recorder/content_store.h"

#include <fcntl.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "format/base/error.h"
#include "format/base/file_part.h"
#include "format/base/unique_fd.h"

namespace rec {
namespace {

RawBytes read_block(TraceWriter& writer, int fd, std::uint64_t index, std::uint64_t file_size) {
  const std::uint64_t start = index * content_block_size;
  RawBytes bytes = writer.block_memory(std::min(content_block_size, file_size - start));
  read_file_part_or_zeros(fd, start, bytes.span());
  return bytes;
}

}  // namespace

// What there is to store is stored already.
std::optional<ContentStore::Stored> ContentStore::find_stored(const SeenFile& file, std::uint64_t offset,
                                                              std::uint64_t length) const {
  const auto known = known_.find(file.version());
  if (known == known_.end() || !file.has_rested()) return std::nullopt;
  const std::uint64_t end = std::min(file.size(), offset + length);
  for (std::uint64_t index = offset / content_block_size; keeps_bytes() && index * content_block_size < end;
       ++index) {
    if (known->second.blocks.count(index) == 0) return std::nullopt;
  }
  return Stored{known->second.id, file.size(), file.device(), file.inode()};
}

std::optional<ContentStore::Stored> ContentStore::store_file(const SeenFile& file, const std::string& name,
                                                             std::uint64_t offset, std::uint64_t length,
                                                             Reading reading) {
  if (const auto stored = find_stored(file, offset, length)) return stored;
  UniqueFd opened(::open(file.name().c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  const auto now = opened.is_open() ? SeenFile::look(opened.get(), file.name()) : std::nullopt;
  if (!now) return std::nullopt;
  const FileVersion version = now->version();
  const std::uint64_t file_size = now->size();
  if (!now->has_rested()) known_.erase(version);
  auto [at, is_new] = known_.try_emplace(version);
  Known& known = at->second;
  if (is_new) {
    known.id = writer_.add_content(Content{.path = name, .size = file_size, .blocks = {}});
    known.name = name;
  }
  const Stored stored{known.id, file_size, now->device(), now->inode()};
  if (!keeps_bytes()) return stored;
  std::vector<std::uint64_t> missing;
  const std::uint64_t end = std::min(file_size, offset + length);
  for (std::uint64_t index = offset / content_block_size; index * content_block_size < end; ++index) {
    if (known.blocks.insert(index).second) missing.push_back(index);
  }
  if (missing.empty()) return stored;
  if (reading == Reading::late && now->has_rested()) {
    writer_.extend_content_late(known.id, std::move(opened), missing);
    return stored;
  }
  std::vector<Content::Block> added;
  for (const std::uint64_t index : missing)
    added.push_back({index, writer_.add_block(read_block(writer_, opened.get(), index, file_size))});
  writer_.extend_content(known.id, added);
  return stored;
}

void ContentStore::read_late(std::uint64_t device, std::uint64_t inode) {
  constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
  for (auto known = known_.lower_bound({device, inode, least, least, least, least, least});
       known != known_.end(); ++known) {
    const auto& [version, content] = *known;
    if (version.device != device || version.inode != inode) break;
    writer_.read_late_blocks(content.id);
  }
}

bool ContentStore::has_all_of(const SeenFile& file) const {
  const auto known = known_.find(file.version());
  if (known == known_.end() || !file.has_rested()) return false;
  const std::uint64_t blocks = (file.size() + content_block_size - 1) / content_block_size;
  return !keeps_bytes_ || known->second.blocks.size() == blocks;
}

ContentStore::Named ContentStore::find(const FileVersion& version) const {
  const auto known = known_.find(version);
  if (known == known_.end()) fail("the file with inode {} is not stored in the trace", version.inode);
  return {known->second.id, known->second.name};
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

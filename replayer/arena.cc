#include "replayer/arena.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "format/base/error.h"
#include "format/base/remote_ptr.h"
#include "format/base/zeros.h"

namespace rec {

Arena::Arena(TraceReader& reader) : reader_(reader), file_(::memfd_create("rec-replay", MFD_CLOEXEC)) {
  if (!file_.is_open()) fail_with_errno("memfd_create");
  if (::ftruncate(file_.get(), static_cast<off_t>(arena_size)) != 0) {
    fail_with_errno("cannot make room for the recorded memory (is there a file size limit, ‘ulimit -f’?)");
  }
}

// What nobody has written to reads as zeros and takes no memory: the holes of sparse files stay holes.
void Arena::write_but_zeros(std::uint64_t at, std::span<const std::byte> bytes) {
  constexpr std::size_t step = 64 << 10;
  while (!bytes.empty()) {
    const auto piece = bytes.first(std::min(step, bytes.size()));
    if (!is_zero(piece)) write(at, piece);
    at += piece.size();
    bytes = bytes.subspan(piece.size());
  }
}

void Arena::write(std::uint64_t at, std::span<const std::byte> bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t put =
        ::pwrite(file_.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(at + done));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail_with_errno("cannot store recorded memory");
    done += static_cast<std::size_t>(put);
  }
}

void Arena::fill(Placed& placed, const Content& content, std::uint64_t offset, std::uint64_t length) {
  const std::uint64_t end = std::min(content.size, offset + length);
  for (const Content::Block& block : content.blocks) {
    const std::uint64_t start = block.index * content_block_size;
    if (start >= end || start + content_block_size <= offset) continue;
    if (!placed.blocks.insert(block.index).second) continue;
    const std::span<const std::byte> bytes = reader_.block(block.hash);
    // A block that reaches beyond the file's end could show where nothing was.
    write_but_zeros(placed.start + start,
                    bytes.first(std::min<std::uint64_t>(bytes.size(), content.size - start)));
  }
}

std::uint64_t Arena::place(ContentId id, std::uint64_t offset, std::uint64_t length) {
  const Content& content = reader_.content(id);
  auto at = contents_.find(id);
  if (at == contents_.end()) {
    const std::uint64_t room = shared_start - next_;
    if (room < 2 * page_size || content.size > room - 2 * page_size)
      fail("the trace describes more file content than there can be");
    at = contents_.emplace(id, Placed{next_, {}}).first;
    // One page apart, so that a mapping that grows in place does not show another file.
    next_ += page_up(content.size) + page_size;
  }
  fill(at->second, content, offset, length);
  return at->second.start + offset;
}

std::uint64_t Arena::mappable(ContentId id, std::uint64_t offset) {
  const std::uint64_t size = page_up(reader_.content(id).size);
  return size > offset ? size - offset : 0;
}

std::uint64_t Arena::place_shared(std::uint64_t object, std::optional<ContentId> initial,
                                  std::uint64_t offset, std::uint64_t length) {
  const bool is_new = !shared_.contains(object);
  if (length > shared_stride || offset > shared_stride - length ||
      (is_new && shared_stride > others_start - next_shared_))
    fail("the trace describes too much shared memory");
  const auto at = shared_.try_emplace(object, Placed{next_shared_, {}}).first;
  if (is_new) next_shared_ += shared_stride;
  if (initial) fill(at->second, reader_.content(*initial), offset, length);
  return at->second.start + offset;
}

void Arena::clear(std::uint64_t at, std::uint64_t length) {
  constexpr int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  if (::fallocate(file_.get(), mode, static_cast<off_t>(at), static_cast<off_t>(length)) != 0)
    fail_with_errno("cannot clear recorded memory");
}

std::uint64_t Arena::take(std::uint64_t size) {
  const std::uint64_t at = next_other_;
  next_other_ += page_up(size);
  return at;
}

}  // namespace rec

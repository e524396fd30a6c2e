#include "format/output_file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <vector>

#include "format/base/error.h"

namespace rec {
namespace {

// ext4 finds room for a new page when it is written out, and until then promises room for each of its blocks
// by itself (fs/ext4/inode.c, ext4_da_get_block_prep): half of what write(2) costs. Blocks that are there
// need no promises.
bool is_on_ext4(int fd) {
  struct statfs status {};
  return ::fstatfs(fd, &status) == 0 && status.f_type == EXT4_SUPER_MAGIC;
}

// What has the name of the new file, without it.
UniqueFd take_away(const std::string& path) {
  struct stat info {};
  const bool is_own = ::lstat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && info.st_nlink == 1 &&
                      info.st_uid == ::geteuid();
  if (!is_own) return {};
  UniqueFd file(::open(path.c_str(), O_PATH | O_CLOEXEC | O_NOFOLLOW));
  if (file.is_open() && ::unlink(path.c_str()) != 0) file.reset();
  return file;
}

}  // namespace

OutputFile::OutputFile(const std::string& path, std::uint64_t max_size)
    : path_(path),
      replaced_(take_away(path)),
      fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0600)),
      max_size_(max_size) {
  if (!fd_.is_open()) fail_with_errno(fmt::format("cannot create the trace {}", path_));
  // A file that was there before keeps its mode when it is emptied, and open's mode went through the umask.
  // Devices
  // (-o /dev/null) are left alone.
  struct stat status {};
  if (::fstat(fd_.get(), &status) != 0) fail_with_errno(fmt::format("cannot create the trace {}", path_));
  if (S_ISREG(status.st_mode) && ::fchmod(fd_.get(), 0600) != 0)
    fail_with_errno(fmt::format("cannot keep others from reading the trace {}", path_));
  // So that nobody takes it for a finished one (`rec record --keep`). Where locks are not supported, that
  // protection is missing, and nothing else.
  (void)::flock(fd_.get(), LOCK_EX | LOCK_NB);
  can_reserve_ = S_ISREG(status.st_mode) && is_on_ext4(fd_.get());
}

// Blocks beyond the file's end, for what is about to be written and some more. A file whose writer is killed
// keeps them: so no more than a part of what it has.
void OutputFile::reserve(std::uint64_t end) {
  constexpr std::uint64_t step = 8 << 20;
  const std::uint64_t wanted = std::min(end + step, max_size_);
  if (!can_reserve_ || end <= reserved_ || size() < step || wanted < end) return;
  // Without room, the write that needs it fails.
  const auto from = static_cast<off_t>(size());
  can_reserve_ = ::fallocate(fd_.get(), FALLOC_FL_KEEP_SIZE, from, static_cast<off_t>(wanted - size())) == 0;
  reserved_ = wanted;
}

void OutputFile::append(std::span<const std::byte> head, std::span<const std::span<const std::byte>> body) {
  const std::uint64_t before = size();
  try {
    std::vector<std::span<const std::byte>> parts{head};
    parts.insert(parts.end(), body.begin(), body.end());
    std::uint64_t end = before;
    for (const auto& part : parts) end += part.size();
    reserve(end);
    write_all(parts);
  } catch (const Error&) {
    // Half a chunk would do no harm (readers stop before it), but without it the file ends as it should.
    // Where that fails, too, the first error is the one to report.
    try {
      cut_to(before);
    } catch (const Error&) {
      // size() tells what is there.
    }
    throw;
  }
}

void OutputFile::cut_to(std::uint64_t size) {
  const auto end = static_cast<off_t>(size);
  // (Blocks behind the end go, too, even if that stays where it is.)
  if (::ftruncate(fd_.get(), end) != 0 || ::lseek(fd_.get(), end, SEEK_SET) != end) fail_writing(errno);
  size_ = size;
  reserved_ = 0;
}

// In as few calls as possible: what is written at once, the page cache keeps in large pieces.
void OutputFile::write_all(std::span<std::span<const std::byte>> parts) {
  std::vector<iovec> vectors;
  while (!parts.empty()) {
    vectors.clear();
    // (The kernel reads only.)
    for (const std::span<const std::byte> part : parts.first(std::min<std::size_t>(parts.size(), IOV_MAX)))
      vectors.push_back({const_cast<std::byte*>(part.data()), part.size()});
    const ssize_t result = ::writev(fd_.get(), vectors.data(), static_cast<int>(vectors.size()));
    if (result < 0) {
      if (errno == EINTR) continue;
      fail_writing(errno);
    }
    auto written = static_cast<std::size_t>(result);
    size_ += written;
    while (!parts.empty() && written >= parts.front().size()) {
      written -= parts.front().size();
      parts = parts.subspan(1);
    }
    if (!parts.empty()) parts.front() = parts.front().subspan(written);
  }
}

void OutputFile::close() {
  if (!fd_.is_open()) return;
  if (reserved_ > size()) cut_to(size());
  // close() on a duplicate tells the same (NFS flushes at every close), and fd_ goes on owning its
  // descriptor.
  const int duplicate = ::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0);
  if (duplicate < 0) fail_writing(errno);
  const int result = ::close(duplicate);
  const int reason = errno;
  fd_.reset();
  if (result != 0 && reason != EINTR) fail_writing(reason);
}

void OutputFile::fail_writing(int errno_value) const {
  fail_with_errno(fmt::format("cannot write the trace {}", path_), errno_value);
}

}  // namespace rec

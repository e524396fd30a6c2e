// Files that are mapped and changed by calls: a mapping shows what write(2) wrote and ends where ftruncate(2)
// put the end; a private one shows it where the program has not written to it. At replay no file is there, so
// the change is made to the mapping.
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "recorder/special/special.h"
#include "tracee/maps.h"

namespace rec::special {
namespace {

struct Range {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
};

// The argument that names the file which the call changes; -1 when it changes none.
int changed_fd_argument(const PendingCall& pending) {
  if (pending.entry == nullptr) return -1;
  if (pending.entry->written_fd >= 0) return pending.entry->written_fd;
  if (pending.entry->kernel_copy_out_fd >= 0) return pending.entry->kernel_copy_out_fd;
  return pending.entry->resizes_fd;
}

// Where in the file the call wrote: its offset argument says, or the file position after it.
Range written_range(const Task& task, std::int32_t fd, std::uint64_t result) {
  if (const auto offset = offset_argument(task.call)) return {*offset, *offset + result};
  const auto position = file_position(task, fd);
  return position && *position >= result ? Range{*position - result, *position} : Range{};
}

void add_written(Task& task, const MapsEntry& entry, const Range& range) {
  const std::uint64_t start = std::max(range.start, entry.offset);
  const std::uint64_t end = std::min(range.end, entry.offset + entry.size());
  if (start >= end) return;
  const RemotePtr<> at = entry.start.plus_bytes(start - entry.offset);
  const auto room = task.call.data.add(Data::Role::output, at, 0, end - start, end - start);
  task.call.data.shrink_last(task.memory().read_some(at, room));
}

// Some file systems show another device in maps than stat(2) does (btrfs): of shared mappings, which are few,
// the inode tells enough.
bool is_of_file(const MapsEntry& entry, const struct stat& info) {
  const bool same_device =
      entry.device_major == major(info.st_dev) && entry.device_minor == minor(info.st_dev);
  return entry.inode == info.st_ino && (entry.shared || same_device);
}

// From the file's page at `from` on, which is zeros up to the file's end. (A shared mapping has its memory
// already.)
Mapping resized(Session& session, const MapsEntry& entry, std::uint64_t object, std::uint64_t from,
                std::uint64_t file_size) {
  Mapping mapping;
  const std::uint64_t skipped = from > entry.offset ? from - entry.offset : 0;
  mapping.start = entry.start.plus_bytes(skipped);
  mapping.end = entry.end;
  mapping.protection = entry.protection;
  mapping.flags = entry.shared ? MAP_SHARED : MAP_PRIVATE;
  mapping.kind = Mapping::Kind::file;
  mapping.offset = entry.offset + skipped;
  if (entry.shared) mapping.shared_object = object;
  mapping.path = entry.path;
  mapping.content =
      session.writer().add_content(Content{.path = entry.path, .size = file_size, .blocks = {}});
  return mapping;
}

}  // namespace

std::optional<std::uint64_t> offset_argument(const PendingCall& pending) {
  for (std::size_t i = 0; i < pending.entry->arg_count; ++i) {
    const syscalls::Arg& arg = pending.entry->args.at(i);
    const bool is_offset = arg.type == syscalls::Type::offset || arg.name == "pos_l";
    // pwritev2(2): -1 stands for the file position.
    if (is_offset && pending.call.args.at(i) != ~std::uint64_t{0}) return pending.call.args.at(i);
  }
  return std::nullopt;
}

std::optional<std::uint64_t> file_position(const Task& task, std::int32_t fd) {
  std::ifstream info(fmt::format("/proc/{}/fdinfo/{}", task.tid, fd));
  std::string word;
  std::uint64_t position = 0;
  if (info >> word >> position && word == "pos:") return position;
  return std::nullopt;
}

bool update_shared_file(Session& session, Task& task, std::int64_t result, Extra* extra) {
  const int argument = changed_fd_argument(task.call);
  if (argument < 0) return false;
  const auto fd = static_cast<std::int32_t>(task.call.call.args.at(static_cast<std::size_t>(argument)));
  if (task.process->unshared_fds.count(fd) != 0) return false;
  struct stat info {};
  const bool regular =
      ::stat(fmt::format("/proc/{}/fd/{}", task.tid, fd).c_str(), &info) == 0 && S_ISREG(info.st_mode);
  const std::uint64_t object = regular ? session.find_shared_object(info.st_dev, info.st_ino) : 0;
  if (object == 0) {
    task.process->unshared_fds.insert(fd);
    return false;
  }
  const auto file_size = static_cast<std::uint64_t>(info.st_size);
  std::uint64_t& known_size = session.shared_file_size(object);
  const bool pages_changed = page_up(known_size) != page_up(file_size);
  Range changed = written_range(task, fd, static_cast<std::uint64_t>(result));
  // Cutting a file off clears the rest of its last page (mm/truncate.c).
  if (task.call.entry->resizes_fd >= 0) changed = {page_down(file_size), page_up(file_size)};
  // Pages behind the end are taken from private mappings as well, written to or not (mm/truncate.c,
  // truncate_pagecache).
  const std::uint64_t cut_at = page_up(std::min(known_size, file_size));
  known_size = file_size;
  for (const MapsEntry& entry : read_maps(task.tid)) {
    if (!is_of_file(entry, info)) continue;
    const std::uint64_t from = entry.shared ? 0 : cut_at;
    if (pages_changed && from < entry.offset + entry.size())
      extra->mappings.push_back(resized(session, entry, object, from, file_size));
    add_written(task, entry, changed);
  }
  return !extra->mappings.empty();
}

}  // namespace rec::special

// Files that are mapped and changed by calls: a mapping shows what write(2) wrote and ends where ftruncate(2)
// put the end; a private one shows it where the program has not written to it. At replay no file is there, so
// the change is made to the mapping.
//
// It may be another process that has the file mapped. Then the one that changes it becomes part of the
// other's domain before the call is made, so that it has a place in the order of what the other one reads.
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <climits>

#include <algorithm>
#include <fstream>

#include "recorder/special/special.h"
#include "tracee/maps.h"

namespace rec::special {
namespace {

using Range = MemoryRange;  // … of a file

// The argument that names the file which the call changes; -1 when it changes none.
int changed_fd_argument(const PendingCall& pending) {
  if (pending.entry == nullptr) return -1;
  if (pending.entry->written_fd >= 0) return pending.entry->written_fd;
  if (pending.entry->kernel_copy_out_fd >= 0) return pending.entry->kernel_copy_out_fd;
  return pending.entry->resizes_fd;
}

// Whether the call cuts off the file that its path names.
bool cuts_off(const PendingCall& pending) {
  if (pending.entry == nullptr || pending.entry->cuts_off_path < 0) return false;
  for (std::size_t i = 0; i < pending.entry->arg_count; ++i) {
    const bool is_open = pending.entry->args.at(i).set == syscalls::FlagSet::open_flags;
    if (is_open) return (pending.call.args.at(i) & O_TRUNC) != 0;
  }
  return true;
}

// By which rec can look at the file that the path argument names.
std::string name_of_path(const Task& task) {
  const PendingCall& pending = task.call;
  const auto index = static_cast<std::size_t>(pending.entry->cuts_off_path);
  const auto path = task.memory().read_string(RemotePtr<>(pending.call.args.at(index)), PATH_MAX);
  if (!path || path->empty()) return {};
  if (path->front() == '/') return fmt::format("/proc/{}/root{}", task.tid, *path);
  if (index > 0 && static_cast<std::int32_t>(pending.call.args.at(index - 1)) != AT_FDCWD)
    return fmt::format("/proc/{}/fd/{}/{}", task.tid, pending.call.args.at(index - 1), *path);
  return fmt::format("/proc/{}/cwd/{}", task.tid, *path);
}

// Whether the file that a name leads to may be mapped by anyone.
bool was_mapped(const Session& session, const std::string& name, struct stat* info) {
  return ::stat(name.c_str(), info) == 0 && S_ISREG(info->st_mode) &&
         session.was_mapped({info->st_dev, info->st_ino});
}

// A file that a call is about to change, and a name for it.
struct ChangedFile {
  std::string name;
  struct stat info;
};

// The file behind a descriptor, if that may be mapped by anyone.
std::optional<ChangedFile> mapped_file_of(const Session& session, const Task& task, std::int32_t fd) {
  Process& process = *task.process;
  if (process.unmapped_as_of != session.mapped_file_count()) {
    process.unmapped_as_of = session.mapped_file_count();
    process.unmapped_fds.clear();
  }
  if (process.unmapped_fds.contains(fd)) return std::nullopt;
  ChangedFile file{fmt::format("/proc/{}/fd/{}", task.tid, fd), {}};
  if (was_mapped(session, file.name, &file.info)) return file;
  if (!process.shares_descriptors) process.unmapped_fds.insert(fd);
  return std::nullopt;
}

// The files that the call is about to change and that may be mapped by anyone.
std::vector<ChangedFile> changed_mapped_files(const Session& session, Task& task) {
  std::vector<ChangedFile> files;
  const auto add = [&](std::optional<ChangedFile> file) {
    if (file) files.push_back(std::move(*file));
    return file.has_value();
  };
  if (cuts_off(task.call)) {
    ChangedFile file{name_of_path(task), {}};
    if (was_mapped(session, file.name, &file.info)) files.push_back(std::move(file));
    return files;
  }
  for (AioRequest& request : task.call.submitted) {
    if (!request.writes) continue;
    if (add(mapped_file_of(session, task, request.fd))) request.mapped_file = files.back().name;
  }
  const int argument = changed_fd_argument(task.call);
  if (argument < 0) return files;
  const auto index = static_cast<std::size_t>(argument);
  add(mapped_file_of(session, task, static_cast<std::int32_t>(task.call.call.args.at(index))));
  return files;
}

// What fallocate(2) does to the bytes behind its offset, other than adding to the end.
bool changes_what_is_there(const PendingCall& pending) {
  for (std::size_t i = 0; i < pending.entry->arg_count; ++i) {
    if (pending.entry->args.at(i).set == syscalls::FlagSet::fallocate_modes)
      return (pending.call.args.at(i) & ~std::uint64_t{FALLOC_FL_KEEP_SIZE}) != 0;
  }
  return false;
}

// Where the kernel keeps the position that a copy inside of it left behind; nullopt: with the descriptor.
std::optional<std::uint64_t> position_behind_copy(const Task& task) {
  const PendingCall& pending = task.call;
  if (pending.entry->kernel_copy_out_fd < 0) return std::nullopt;
  const auto index = static_cast<std::size_t>(pending.entry->kernel_copy_out_fd) + 1;
  const bool has_position = index < pending.entry->arg_count && pending.call.args.at(index) != 0 &&
                            pending.entry->args.at(index).shape == syscalls::Shape::file_offset;
  if (!has_position) return std::nullopt;
  return task.memory().read(RemotePtr<std::uint64_t>(pending.call.args.at(index)));
}

// Whether what is written goes to the file's end, whatever the offset (open(2), O_APPEND).
bool appends(const Task& task, std::int32_t fd) {
  std::ifstream info(fmt::format("/proc/{}/fdinfo/{}", task.tid, fd));
  std::string word;
  unsigned flags = 0;
  while (info >> word) {
    if (word == "flags:") return (info >> std::oct >> flags) && (flags & O_APPEND) != 0;
  }
  return false;
}

// Where in the file a write to this offset has put its bytes.
Range range_at(const Task& task, std::int32_t fd, std::uint64_t offset, std::uint64_t size,
               std::uint64_t file_size) {
  if (appends(task, fd)) return {file_size - std::min(file_size, size), file_size};
  return {offset, offset + size};
}

// Where in the file the call wrote: its offset argument says, or the file position after it.
Range written_range(const Task& task, std::uint64_t result, std::uint64_t file_size) {
  const PendingCall& pending = task.call;
  const auto offset = offset_argument(pending);
  // Cutting a file off clears the rest of its last page (mm/truncate.c).
  if (pending.entry->cuts_off_path >= 0) return {page_down(file_size), page_up(file_size)};
  if (pending.entry->resizes_fd >= 0) {
    const bool inside = offset && changes_what_is_there(pending);
    return {page_down(inside ? std::min(*offset, file_size) : file_size), page_up(file_size)};
  }
  const auto fd =
      static_cast<std::int32_t>(pending.call.args.at(static_cast<std::size_t>(changed_fd_argument(pending))));
  if (offset) return range_at(task, fd, *offset, result, file_size);
  if (const auto behind = position_behind_copy(task)) return {*behind - std::min(*behind, result), *behind};
  const auto position = file_position(task, fd);
  return position && *position >= result ? Range{*position - result, *position} : Range{};
}

void add_written(const Task& mapper, const MapsEntry& entry, const Range& range, DataBuffer& data) {
  const std::uint64_t start = std::max(range.start, entry.offset);
  const std::uint64_t end = std::min(range.end, entry.offset + entry.size());
  if (start >= end) return;
  const RemotePtr<> at = entry.start.plus_bytes(start - entry.offset);
  const auto room = data.add(Data::Role::output, at, 0, end - start, end - start);
  data.shrink_last(mapper.memory().read_some(at, room));
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

struct Change {
  struct stat info {};
  std::uint64_t object = 0;
  Range written;
  bool pages_changed = false;  // there are more, or fewer
  // Pages behind the end are taken from private mappings as well, written to or not (mm/truncate.c,
  // truncate_pagecache).
  std::uint64_t cut_at = 0;
};

// What one process's mappings of the file show now.
void add_change(Session& session, const Task& mapper, const Change& change, DataBuffer& data, Extra* extra) {
  const auto file_size = static_cast<std::uint64_t>(change.info.st_size);
  for (const MapsEntry& entry : read_maps(mapper.tid)) {
    if (!is_of_file(entry, change.info)) continue;
    const std::uint64_t from = entry.shared ? 0 : change.cut_at;
    if (change.pages_changed && from < entry.offset + entry.size())
      extra->mappings.push_back(resized(session, entry, change.object, from, file_size));
    add_written(mapper, entry, change.written, data);
  }
}

void append_change_of_other(Session& session, const Task& task, const Task& mapper, const Change& change) {
  try {
    DataBuffer data;
    Extra extra;
    add_change(session, mapper, change, data, &extra);
    if (data.empty() && extra.mappings.empty()) return;
    session.append({.tid = task.tid,
                    .kind = EventKind::memory,
                    .args = {static_cast<std::uint64_t>(mapper.tid.value())},
                    .data = data.data(),
                    .extra = extra.mappings.empty() ? nullptr : &extra});
  } catch (const TaskGone&) {
    // Killed meanwhile: nobody reads its memory any more.
  }
}

// The named file was changed: what do mappings show now? `written_in` tells where, in a file of the size that
// it is passed.
template <class WrittenIn>
void update_mappings(Session& session, Task& task, const std::string& name, Extra* extra,
                     const WrittenIn& written_in) {
  Change change;
  if (::stat(name.c_str(), &change.info) != 0) return;
  change.object = session.find_shared_object(change.info.st_dev, change.info.st_ino);
  if (change.object == 0) return;
  const auto file_size = static_cast<std::uint64_t>(change.info.st_size);
  std::uint64_t& known_size = session.shared_file_size(change.object);
  change.pages_changed = page_up(known_size) != page_up(file_size);
  change.written = written_in(file_size);
  change.cut_at = page_up(std::min(known_size, file_size));
  known_size = file_size;
  for (const Task* mapper : session.mappers_of({change.info.st_dev, change.info.st_ino})) {
    if (mapper->process->code != task.process->code) append_change_of_other(session, task, *mapper, change);
  }
  add_change(session, task, change, task.call.data, extra);
}

bool has_mapped(const Task& task, const struct stat& info) {
  try {
    const std::vector<MapsEntry> maps = read_maps(task.tid);
    return std::any_of(maps.begin(), maps.end(),
                       [&](const MapsEntry& entry) { return is_of_file(entry, info); });
  } catch (const TaskGone&) {
    return false;
  }
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

bool waits_for_mappers(Session& session, Task& task) {
  if (task.call.answer) return false;
  const std::vector<ChangedFile> files = changed_mapped_files(session, task);
  task.call.changed_files.clear();
  if (files.empty()) return false;
  task.call.blocks = false;  // it is over before anyone reads what it changes
  for (const auto& [name, info] : files) {
    task.call.changed_files.push_back(name);
    session.contents().read_late(info.st_dev, info.st_ino);
    session.agents().file_changes(info.st_dev, info.st_ino);
  }
  if (task.domain().turn != &task) {
    session.wait_at_entry(task);
    return true;
  }
  for (const auto& [name, info] : files) {
    for (const Task* mapper : session.mappers_of({info.st_dev, info.st_ino})) {
      const bool is_apart = mapper->process->domain != task.process->domain;
      if (!is_apart || !has_mapped(*mapper, info)) continue;
      session.join_domain(task, mapper->process->domain);
      return true;
    }
  }
  return false;
}

bool update_mapped_file(Session& session, Task& task, std::int64_t result, Extra* extra) {
  const auto size = static_cast<std::uint64_t>(result);
  update_mappings(session, task, task.call.changed_files.front(), extra,
                  [&](std::uint64_t file_size) { return written_range(task, size, file_size); });
  return !extra->mappings.empty();
}

void record_file_change(Session& session, Task& task, const AioRequest& request, std::uint64_t size,
                        Extra* extra) {
  update_mappings(session, task, request.mapped_file, extra, [&](std::uint64_t file_size) {
    return range_at(task, request.fd, request.offset, size, file_size);
  });
}

}  // namespace rec::special

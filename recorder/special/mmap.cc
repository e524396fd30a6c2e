// Calls that give a process new memory: what is behind it has to be in the trace.
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "format/base/error.h"
#include "recorder/special/special.h"
#include "tracee/maps.h"

namespace rec::special {
namespace {

// System V segments and files cannot meet in one number space: no file system has this device number.
constexpr std::uint64_t sysv_device = ~std::uint64_t{0};

// A shared mapping of a descriptor that was opened for reading only can never become writable (mmap(2),
// EACCES).
bool may_write(Tid tid, std::int32_t fd) {
  // The link's own permission says how the file was opened (proc(5)).
  struct stat link {};
  return ::lstat(fmt::format("/proc/{}/fd/{}", tid, fd).c_str(), &link) != 0 || (link.st_mode & S_IWUSR) != 0;
}

// While nobody has it mapped, a file may change, or be deleted and its inode number be used for another one.
// Then its memory at replay begins anew. (While a mapping stands, that memory is right and the file's content
// may be late.)
void forget_stale_object(Session& session, const Task& task, const Mapping& made,
                         const ContentStore::Stored& stored) {
  const std::uint64_t object = session.find_shared_object(stored.device, stored.inode);
  if (object == 0 || session.shared_content(object) == stored.id) return;
  const MemoryRange range{made.start.address(), made.end.address()};
  if (!session.is_mapped_elsewhere(task, object, range)) {
    session.forget_shared_object(stored.device, stored.inode);
  }
}

// A page of a private mapping shows what is stored in the file until the program stores to that page itself
// (mmap(2)); at replay each kind has memory of its own.
void note_other_kind(Session& session, const Task& task, const Mapping& made, std::uint64_t inode) {
  const bool is_shared = (made.flags & MAP_SHARED) != 0;
  const std::vector<MapsEntry> maps = read_maps(task.tid);
  const bool has_other = std::any_of(maps.begin(), maps.end(), [&](const MapsEntry& entry) {
    return entry.inode == inode && entry.path == made.path && entry.shared != is_shared;
  });
  if (!has_other) return;
  session.note(
      task, "mapped both ways " + made.path,
      fmt::format("‘{}’ is mapped both shared and privately: what is stored in the shared mapping does "
                  "not show in the private one at replay",
                  made.path));
}

void describe_file_mapping(Session& session, Task& task, Mapping* mapping, const SeenFile* file,
                           std::int32_t fd, std::uint64_t offset) {
  const std::string link = fmt::format("/proc/{}/fd/{}", task.tid, fd);
  const std::uint64_t length = mapping->end.address() - mapping->start.address();
  std::array<char, 4096> name{};
  const ssize_t name_length = ::readlink(link.c_str(), name.data(), name.size());
  mapping->path = name_length > 0 ? std::string(name.data(), static_cast<std::size_t>(name_length)) : link;
  mapping->kind = Mapping::Kind::file;
  mapping->offset = offset;
  // The dynamic loader says of what it loads that it will not change. (The kernel takes no notice, mmap(2).)
  const bool is_shared = (mapping->flags & MAP_SHARED) != 0;
  const bool will_rest = (mapping->flags & MAP_DENYWRITE) != 0 && !is_shared;
  const auto reading = will_rest ? ContentStore::Reading::late : ContentStore::Reading::now;
  const auto stored = file != nullptr
                          ? session.contents().store_file(*file, mapping->path, offset, length, reading)
                          : std::nullopt;
  if (stored) {
    mapping->content = stored->id;
    if (is_shared) session.contents().read_late(stored->device, stored->inode);
    forget_stale_object(session, task, *mapping, *stored);
    const std::uint64_t object = session.shared_object(stored->device, stored->inode);
    session.shared_content(object) = stored->id;
    session.shared_file_size(object) = stored->file_size;
    // What a private mapping of it shows changes with the file, too, but for the pages that were written to.
    if (is_shared) mapping->shared_object = object;
    const bool is_stored_to = is_shared ? may_write(task.tid, fd) : session.is_shared_writably(object);
    if (is_stored_to) note_other_kind(session, task, *mapping, stored->inode);
    session.file_is_mapped(*task.process, {stored->device, stored->inode});
    if (session.contents().has_all_of(*file)) session.agents().file_is_stored(file->version());
    return;
  }
  // A device, or a file that only the program may read: what it shows now.
  mapping->offset = 0;
  mapping->content = session.contents().store_memory(task.memory(), mapping->start, length, mapping->path);
  if (!is_shared) return;
  struct stat info {};
  const bool known = ::stat(link.c_str(), &info) == 0;
  mapping->shared_object =
      known ? session.shared_object(info.st_dev, info.st_ino) : session.new_shared_object();
  session.note(
      task, "shared mapping of " + mapping->path,
      fmt::format("task {} maps ‘{}’ shared: changes that others make to it are not in the recording",
                  task.tid, mapping->path));
}

}  // namespace

void describe_mapping(Session& session, Task& task, std::int64_t result, const SeenFile* file, Extra* extra) {
  const auto& args = task.call.call.args;
  const auto start = static_cast<std::uint64_t>(result);
  Mapping mapping;
  mapping.start = RemotePtr<>(start);
  mapping.end = RemotePtr<>(start + page_up(args[1]));
  mapping.protection = static_cast<std::uint32_t>(args[2]);
  mapping.flags = static_cast<std::uint32_t>(args[3]);
  // MAP_SHARED_VALIDATE is both type bits (mmap(2)); what it made is a shared mapping.
  if ((mapping.flags & MAP_TYPE) == MAP_SHARED_VALIDATE)
    mapping.flags = (mapping.flags & ~MAP_TYPE) | MAP_SHARED;
  if ((mapping.flags & MAP_ANONYMOUS) == 0) {
    describe_file_mapping(session, task, &mapping, file, static_cast<std::int32_t>(args[4]), args[5]);
  } else if ((mapping.flags & MAP_SHARED) != 0) {
    mapping.shared_object = session.new_shared_object();
  }
  if (mapping.shared_object != 0) {
    const bool writable =
        (mapping.flags & MAP_ANONYMOUS) != 0 || may_write(task.tid, static_cast<std::int32_t>(args[4]));
    session.share_object(task, mapping.shared_object, writable);
  }
  extra->mappings.push_back(std::move(mapping));
}

void describe_stored_mapping(Session& session, Task& task, const Event& event, const FileVersion& version,
                             Extra* extra) {
  const auto start = static_cast<std::uint64_t>(event.result);
  const ContentStore::Named stored = session.contents().find(version);
  Mapping mapping;
  mapping.start = RemotePtr<>(start);
  mapping.end = RemotePtr<>(start + page_up(event.args[1]));
  mapping.protection = static_cast<std::uint32_t>(event.args[2]);
  mapping.flags = static_cast<std::uint32_t>(event.args[3]);
  mapping.kind = Mapping::Kind::file;
  mapping.content = stored.id;
  mapping.offset = event.args[5];
  mapping.path = stored.name;
  // Where it was mapped first, with a stop, the trace got a number for the file, too.
  session.file_is_mapped(*task.process, {version.device, version.inode});
  extra->mappings.push_back(std::move(mapping));
}

void describe_segment(Session& session, Task& task, std::int64_t result, Extra* extra) {
  const auto& args = task.call.call.args;
  const auto start = static_cast<std::uint64_t>(result);
  for (const MapsEntry& entry : read_maps(task.tid)) {
    if (entry.start.address() != start) continue;
    Mapping mapping;
    mapping.start = entry.start;
    mapping.end = entry.end;
    mapping.protection = entry.protection;
    mapping.flags = MAP_SHARED | MAP_ANONYMOUS;
    mapping.path = entry.path;
    mapping.content = session.contents().store_memory(task.memory(), entry.start, entry.size(), entry.path);
    mapping.shared_object = session.shared_object(sysv_device, args[0]);
    session.share_object(task, mapping.shared_object, (args[2] & SHM_RDONLY) == 0);
    extra->mappings.push_back(std::move(mapping));
    return;
  }
  fail("the segment that task {} attached at {:#x} is not in its address space", task.tid, start);
}

}  // namespace rec::special

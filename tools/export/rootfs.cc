#include "tools/export/rootfs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <utility>

#include "tools/dump/errors.h"
#include "tools/export/file_events.h"

namespace rec {

using syscalls::Syscall;
using syscalls::Type;

bool RootFileSystem::belongs_in_tree(std::string_view path) {
  const auto is_below = [&](std::string_view directory) {
    return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
  };
  return path.starts_with('/') && path != "/" && path.size() < 4096 && path.find('\0') == path.npos &&
         !is_below("/proc") && !is_below("/sys") && !is_below("/dev") && !is_below("/.rec-export") &&
         !path.starts_with("/memfd:") && !path.ends_with(" (deleted)");
}

RootFileSystem::RootFileSystem(TraceReader& reader) : reader_(reader), descriptors_(reader.header()) {
  if (Node* start = node(reader.header().working_directory)) start->is_directory = true;
}

// Null for what does not belong in the tree.
RootFileSystem::Node* RootFileSystem::node(const std::string& path) {
  return belongs_in_tree(path) ? &nodes_[path] : nullptr;
}

void RootFileSystem::add(const Event& event) {
  if (event.kind == EventKind::exec) on_exec(event);
  const bool returned = (event.flags & event_no_result) == 0;
  if (event.kind == EventKind::call && returned) {
    if (dump::is_error(event.result)) {
      on_failure(event);
    } else {
      on_call(event);
    }
  }
  descriptors_.add(event);
}

void RootFileSystem::on_exec(const Event& event) {
  if (event.extra == nullptr) return;
  Executed executed{
      .path = descriptors_.path_of(event).value_or(""), .file = event.extra->text, .loader = {}};
  for (const Mapping& mapping : event.extra->mappings) {
    if (mapping.kind != Mapping::Kind::file || !mapping.content) continue;
    Node* file = node(mapping.path);
    if (file == nullptr) continue;
    if (mapping.path != executed.file) executed.loader = mapping.path;
    if (file->changed) continue;
    const Content& content = reader_.content(*mapping.content);
    file->is_file = true;
    file->size = file->size.value_or(content.size);
    if (!file->mode) file->mode = 0755;  // it could be executed
    file->pieces.add(reader_, content);
  }
  executed_.push_back(std::move(executed));
}

void RootFileSystem::on_failure(const Event& event) {
  if (event.result != -ENOENT && event.result != -ENOTDIR) return;
  const auto path = descriptors_.path_of(event);
  if (path && belongs_in_tree(*path) && !nodes_.contains(*path)) missing_.insert(*path);
}

void RootFileSystem::on_call(const Event& event) {
  const Syscall* call = syscalls::find(event.nr);
  if (call == nullptr) return;
  const auto path = descriptors_.path_of(event);
  if (path && is_open(event.nr)) on_open(event, *path);
  if (path && (event.nr == SYS_readlink || event.nr == SYS_readlinkat)) on_link(event, *path);
  if (path) on_access(event, *path);
  if (path && event.nr == SYS_chdir) {
    if (Node* directory = node(*path)) directory->is_directory = true;
  }
  if (path) {
    on_status(event, *path);
  } else if (call->arg_count > 0 && call->args[0].type == Type::fd) {
    if (const std::string* name = descriptors_.name_of(event.tid, fd_in(event.args[0])))
      on_status(event, *name);
  }
  on_mapping(event);
  on_transfer(event);
  note_change(event);
}

void RootFileSystem::on_open(const Event& event, const std::string& path) {
  Node* opened = node(path);
  if (opened == nullptr) return;
  const std::uint64_t flags = open_flags(event);
  const bool is_new = (flags & O_CREAT) != 0 && missing_.contains(path);
  const bool makes_anew = (flags & (O_EXCL | O_CREAT)) == (O_EXCL | O_CREAT) || (flags & O_TRUNC) != 0;
  if ((flags & O_TMPFILE) == O_TMPFILE) return;
  if (is_new || makes_anew) opened->changed = true;
  if (opened->changed) return;
  if ((flags & O_DIRECTORY) != 0) {
    opened->is_directory = true;
  } else if (!opened->is_directory) {
    opened->is_file = true;
  }
}

void RootFileSystem::on_status(const Event& event, const std::string& path) {
  const Syscall* call = syscalls::find(event.nr);
  Node* file = node(path);
  const auto status = file == nullptr || file->changed ? std::nullopt : status_in(event, *call);
  if (!status) return;
  if (S_ISLNK(status->mode)) {
    file->is_link = true;
    return;
  }
  file->is_directory = S_ISDIR(status->mode);
  file->is_file = S_ISREG(status->mode);
  file->is_other = !file->is_directory && !file->is_file;
  if (!file->mode || file->pieces.end() != 0) file->mode = status->mode & 07777U;
  if (file->is_file && !file->size) file->size = status->size;
  if (!file->modified) file->modified = status->modified;
}

void RootFileSystem::on_access(const Event& event, const std::string& path) {
  const bool is_at = event.nr == SYS_faccessat || event.nr == SYS_faccessat2;
  if (!is_at && event.nr != SYS_access) return;
  Node* found = node(path);
  if (found == nullptr || found->changed) return;
  found->is_there = true;
  found->can_be_entered = found->can_be_entered || (event.args[is_at ? 2 : 1] & X_OK) != 0;
}

void RootFileSystem::on_link(const Event& event, const std::string& path) {
  Node* link = node(path);
  if (link == nullptr || link->changed || !link->target.empty()) return;
  for (const Data& piece : event.data) {
    if (piece.role != Data::Role::output) continue;
    link->is_link = true;
    link->target.assign(reinterpret_cast<const char*>(piece.bytes.data()), piece.bytes.size());
    return;
  }
}

// A file that the call mapped: by the name that it was opened by.
void RootFileSystem::on_mapping(const Event& event) {
  if (event.nr != SYS_mmap || event.extra == nullptr) return;
  for (const Mapping& mapping : event.extra->mappings) {
    if (mapping.kind != Mapping::Kind::file || !mapping.content) continue;
    const std::string* opened = descriptors_.name_of(event.tid, fd_in(event.args[4]));
    Node* file = node(opened != nullptr ? *opened : mapping.path);
    if (file == nullptr || file->changed) continue;
    const Content& content = reader_.content(*mapping.content);
    file->is_file = true;
    if (!file->size) file->size = content.size;
    file->pieces.add(reader_, content);
  }
}

// Reads, and where they are in the file.
void RootFileSystem::on_transfer(const Event& event) {
  const TraceeFd fd = fd_in(event.args[0]);
  const std::uint64_t description = descriptors_.description_of(event.tid, fd);
  if (description == 0) return;
  const auto count = static_cast<std::uint64_t>(event.result);
  if (event.nr == SYS_lseek) positions_[description] = count;
  if (event.nr == SYS_sendfile || event.nr == SYS_copy_file_range) {
    // sendfile(2): out, in, pointer to an offset; copy_file_range(2): in, pointer, out, pointer.
    const bool sends = event.nr == SYS_sendfile;
    const std::uint64_t from = descriptors_.description_of(event.tid, fd_in(event.args[sends ? 1 : 0]));
    if (from != 0 && event.args[sends ? 2 : 1] == 0) positions_[from] += count;
    return;
  }
  const auto offset = own_offset(event);
  if (is_read(event.nr)) {
    const std::string* name = descriptors_.name_of(event.tid, fd);
    Node* file = name == nullptr ? nullptr : node(*name);
    std::uint64_t at = offset ? *offset : positions_[description];
    for (const Data& piece : event.data) {
      if (piece.role != Data::Role::output) continue;
      if (file != nullptr && !file->changed) file->pieces.add(at, piece.bytes);
      at += piece.full_size;
    }
  }
  if (moves_position(event.nr) && !offset) positions_[description] += count;
}

void RootFileSystem::note_change(const Event& event) {
  const Syscall& call = *syscalls::find(event.nr);
  for (const std::string& path : changed_names(event, call, descriptors_)) {
    if (Node* made = node(path)) made->changed = true;
  }
  for (const int argument : {call.written_fd, call.kernel_copy_out_fd, call.resizes_fd}) {
    if (argument < 0) continue;
    const std::string* name =
        descriptors_.name_of(event.tid, fd_in(event.args.at(static_cast<std::size_t>(argument))));
    if (Node* written = name == nullptr ? nullptr : node(*name)) written->changed = true;
  }
}

}  // namespace rec

#include "tools/export/rootfs.h"

#include <elf.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "format/base/error.h"
#include "tools/display.h"
#include "tools/dump/errors.h"
#include "tools/dump/event_memory.h"

namespace rec {
namespace {

using syscalls::Shape;
using syscalls::Syscall;
using syscalls::Type;

constexpr int most_links = 40;  // MAXSYMLINKS, include/linux/namei.h
constexpr const char* report_directory = "/.rec-export";

TraceeFd fd_in(std::uint64_t word) { return TraceeFd(static_cast<std::int32_t>(word)); }

// Whether the path is one that the tree can have: not what every machine has of its own, nor what only looks
// like a path.
bool belongs_in_tree(std::string_view path) {
  const auto is_below = [&](std::string_view directory) {
    return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
  };
  return path.starts_with('/') && path != "/" && path.size() < 4096 && path.find('\0') == path.npos &&
         !is_below("/proc") && !is_below("/sys") && !is_below("/dev") && !is_below(report_directory) &&
         !path.starts_with("/memfd:") && !path.ends_with(" (deleted)");
}

// The paths that a call makes or takes away: of renames both, of links the new one.
std::vector<std::string> changed_names(const Event& event, const Syscall& call,
                                       const Descriptors& descriptors) {
  switch (event.nr) {
    case SYS_mkdir:
    case SYS_mkdirat:
    case SYS_mknod:
    case SYS_mknodat:
    case SYS_rename:
    case SYS_renameat:
    case SYS_renameat2:
    case SYS_link:
    case SYS_linkat:
    case SYS_symlink:
    case SYS_symlinkat:
    case SYS_unlink:
    case SYS_unlinkat:
    case SYS_rmdir:
    case SYS_truncate:
      break;
    default:
      return {};
  }
  const bool keeps_first =
      event.nr == SYS_link || event.nr == SYS_linkat || event.nr == SYS_symlink || event.nr == SYS_symlinkat;
  std::vector<std::string> paths;
  TraceeFd directory(AT_FDCWD);
  bool is_first = true;
  const dump::EventMemory memory(event.data, dump::Moment::before);
  for (std::size_t i = 0; i < call.arg_count; ++i) {
    if (call.args[i].type == Type::dirfd) directory = fd_in(event.args[i]);
    if (call.args[i].type != Type::path) continue;
    const auto path = memory.read_string(RemotePtr<>(event.args[i]), 4096);
    if (path && !(is_first && keeps_first))
      paths.push_back(descriptors.absolute(event.tid, directory, *path));
    is_first = false;
  }
  return paths;
}

// Mode and size from the stat or statx structure that the call filled in.
struct Status {
  unsigned mode;
  std::uint64_t size;
  timespec modified;
};
std::optional<Status> status_in(const Event& event, const Syscall& call) {
  const dump::EventMemory memory(event.data, dump::Moment::after);
  for (std::size_t i = 0; i < call.arg_count; ++i) {
    if (call.args[i].shape == Shape::stat) {
      if (const auto status = memory.read(RemotePtr<struct stat>(event.args[i])))
        return Status{status->st_mode, static_cast<std::uint64_t>(status->st_size), status->st_mtim};
    } else if (call.args[i].shape == Shape::statx) {
      if (const auto status = memory.read(RemotePtr<struct statx>(event.args[i])))
        return Status{
            status->stx_mode, status->stx_size, {status->stx_mtime.tv_sec, status->stx_mtime.tv_nsec}};
    }
  }
  return std::nullopt;
}

// The flags of an open, however they are passed.
std::uint64_t open_flags(const Event& event) {
  if (event.nr == SYS_creat) return O_CREAT | O_TRUNC | O_WRONLY;
  if (event.nr == SYS_open) return event.args[1];
  if (event.nr == SYS_openat) return event.args[2];
  const dump::EventMemory memory(event.data, dump::Moment::before);
  return memory.read(RemotePtr<std::uint64_t>(event.args[2])).value_or(0);
}

bool is_open(std::int32_t nr) {
  return nr == SYS_open || nr == SYS_openat || nr == SYS_openat2 || nr == SYS_creat;
}

// Where a read at an offset of its own begins; nullopt: at the descriptor's position.
std::optional<std::uint64_t> own_offset(const Event& event) {
  if (event.nr == SYS_pread64 || event.nr == SYS_preadv) return event.args[3];
  if (event.nr == SYS_preadv2 && event.args[3] != ~std::uint64_t{0}) return event.args[3];
  return std::nullopt;
}

bool is_read(std::int32_t nr) {
  return nr == SYS_read || nr == SYS_pread64 || nr == SYS_readv || nr == SYS_preadv || nr == SYS_preadv2;
}
bool moves_position(std::int32_t nr) {
  return nr == SYS_read || nr == SYS_readv || nr == SYS_preadv2 || nr == SYS_write || nr == SYS_writev;
}

// The path in an ELF file's PT_INTERP, from its first bytes.
std::string loader_named_in(const std::vector<std::byte>& file) {
  Elf64_Ehdr header{};
  if (file.size() < sizeof header) return {};
  std::memcpy(&header, file.data(), sizeof header);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return {};
  for (std::uint64_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr part{};
    const std::uint64_t at = header.e_phoff + i * sizeof part;
    if (header.e_phoff > file.size() || at + sizeof part > file.size()) return {};
    std::memcpy(&part, &file[at], sizeof part);
    if (part.p_type != PT_INTERP) continue;
    if (part.p_offset > file.size() || part.p_filesz > file.size() - part.p_offset) return {};
    const std::string text(reinterpret_cast<const char*>(&file[part.p_offset]), part.p_filesz);
    return text.substr(0, text.find('\0'));
  }
  return {};
}

// The interpreter in a script's first line.
std::string interpreter_named_in(const std::vector<std::byte>& file) {
  std::string line(reinterpret_cast<const char*>(file.data()), file.size());
  if (!line.starts_with("#!")) return {};
  line = line.substr(2, line.find('\n') - 2);
  const std::size_t first = line.find_first_not_of(" \t");
  if (first == std::string::npos) return {};
  return line.substr(first, line.find_first_of(" \t", first) - first);
}

void set_time(const std::string& path, const std::optional<timespec>& modified) {
  if (!modified) return;
  const std::array<timespec, 2> times{*modified, *modified};
  if (::utimensat(AT_FDCWD, path.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0 && errno != EINVAL)
    fail_with_errno(fmt::format("cannot set the time of {}", path));
}

}  // namespace

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

// Names by which the kernel itself found files: no call of the program tells of those.
void RootFileSystem::add_loaders() {
  constexpr std::size_t enough = 64 << 10;  // program headers and PT_INTERP are at the beginning
  for (const Executed& executed : executed_) {
    const auto script = nodes_.find(executed.path);
    const std::string interpreter =
        script == nodes_.end() ? "" : interpreter_named_in(script->second.pieces.first(4096));
    link_to(interpreter.empty() ? executed.path : interpreter, executed.file);
    if (const auto file = nodes_.find(executed.file); file != nodes_.end() && !executed.loader.empty())
      link_to(loader_named_in(file->second.pieces.first(enough)), executed.loader);
  }
}

// Another name of a file, unless that name is known already.
void RootFileSystem::link_to(const std::string& path, const std::string& target) {
  if (path.empty() || path == target || !belongs_in_tree(path)) return;
  Node& link = nodes_[path];
  if (link.changed || link.is_link) return;
  if (link.pieces.end() != 0) {  // the program read of it itself (a linker reads ld.so): the same file
    if (const auto same = nodes_.find(target); same != nodes_.end()) link.pieces.add(same->second.pieces);
    return;
  }
  link = Node{};
  link.is_link = true;
  link.target = target;
}

// Follows the known links in the path, in its last part only if wanted.
std::string RootFileSystem::resolved(std::string path, bool last_too) const {
  int links = 0;
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const bool is_last = end == std::string::npos;
    if (is_last && !last_too) return path;
    const auto found = nodes_.find(path.substr(0, end));
    if (found != nodes_.end() && found->second.is_link && !found->second.changed &&
        !found->second.target.empty() && ++links <= most_links) {
      const std::string rest = is_last ? "" : path.substr(end);
      const std::string& target = found->second.target;
      const std::string base = path.substr(0, path.substr(0, end).find_last_of('/'));
      const std::string whole = target.starts_with('/') ? target : base + "/" + target;
      path = descriptors_.absolute(Tid(), TraceeFd(AT_FDCWD), whole + rest);
      end = 0;
      continue;
    }
    if (is_last) return path;
  }
}

// The nodes at the places where links lead: one for each file.
std::map<std::string, RootFileSystem::Node> RootFileSystem::tree() const {
  std::map<std::string, Node> tree;
  for (const auto& [path, known] : nodes_) {
    if (known.is_link && !known.target.empty()) {
      Node& link = tree[resolved(path, false)];
      if (!link.is_file && !link.is_directory) {
        link.is_link = true;
        link.target = known.target;
      }
    }
    const bool is_known = known.is_file || known.is_directory;
    if (!is_known && (!known.is_there || known.is_other)) continue;
    const std::string place = resolved(path, true);
    if (!belongs_in_tree(place)) continue;
    Node& node = tree[place];
    node.is_link = false;
    node.is_there = node.is_there || known.is_there;
    node.can_be_entered = node.can_be_entered || known.can_be_entered;
    node.is_file = node.is_file || known.is_file;
    node.is_directory = node.is_directory || known.is_directory;
    if (!node.mode || !known.mode || node.pieces.end() == 0) node.mode = known.mode ? known.mode : node.mode;
    if (!node.size) node.size = known.size;
    if (!node.modified) node.modified = known.modified;
    node.pieces.add(known.pieces);
  }
  for (auto& [path, node] : tree) {
    if (node.is_file || node.is_directory || node.is_link) continue;
    node.is_directory = node.can_be_entered;
    node.is_file = !node.can_be_entered;
  }
  return tree;
}

std::string RootFileSystem::write_to(const std::string& directory) {
  add_loaders();
  const auto nodes = tree();
  std::string incomplete;
  std::uint64_t files = 0;
  std::uint64_t links = 0;
  const auto has_children = [&](const std::string& path) {
    const auto next = nodes.lower_bound(path + "/");
    return next != nodes.end() && next->first.starts_with(path + "/");
  };
  // Links come last: until then nothing in the tree leads out of it.
  for (const auto& [path, node] : nodes) {
    if (node.is_link) continue;
    make_directories_for(directory + path + (node.is_directory || has_children(path) ? "/" : ""));
    if (node.is_directory || has_children(path)) continue;
    const std::uint64_t size = node.size.value_or(node.pieces.end());
    node.pieces.write_to(directory + path, size, node.mode.value_or(0644));
    set_time(directory + path, node.modified);
    ++files;
    if (const std::uint64_t missing = node.pieces.missing_below(size); missing != 0)
      incomplete += fmt::format("{}\t{} of {} bytes are not in the trace\n", printable(path), missing, size);
  }
  for (const auto& [path, node] : nodes) {
    if (!node.is_link || has_children(path)) continue;
    make_directories_for(directory + path);
    if (::symlink(node.target.c_str(), (directory + path).c_str()) != 0 && errno != EEXIST)
      fail_with_errno(fmt::format("cannot make the link {}", directory + path));
    ++links;
  }
  std::string report = fmt::format("{} files, {} symbolic links\n\nIncomplete (the rest is zeros):\n{}",
                                   files, links, incomplete);
  report += "\nLooked up and not there:\n";
  for (const std::string& path : missing_) report += printable(path) + "\n";
  return report;
}

}  // namespace rec

// The second half of RootFileSystem: what was gathered becomes a tree of files and links.
#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "format/base/error.h"
#include "tools/display.h"
#include "tools/export/rootfs.h"

namespace rec {
namespace {

constexpr int most_links = 40;  // MAXSYMLINKS, include/linux/namei.h

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

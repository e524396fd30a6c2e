// The files that a program used, as they were before it used them, gathered from its trace.
#pragma once

#include <cstdint>
#include <ctime>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "format/event.h"
#include "format/trace_reader.h"
#include "tools/descriptors.h"
#include "tools/file_pieces.h"

namespace rec {

class RootFileSystem {
 public:
  explicit RootFileSystem(TraceReader& reader);

  // Takes the events in the order of the trace.
  void add(const Event& event);

  // Makes the tree in `directory`, which must be there and empty. Returns a report for people: what is
  // incomplete and why, what was looked up and not there. Throws Error.
  [[nodiscard]] std::string write_to(const std::string& directory);

 private:
  // What a path leads to and, if it is a symbolic link, where.
  struct Node {
    bool is_directory = false;
    bool is_file = false;
    bool is_other = false;  // a device, a socket, a pipe
    bool is_link = false;
    // access(2) found it, which does not tell what it is; asked for X_OK (so programs ask for directories).
    bool is_there = false;
    bool can_be_entered = false;
    std::string target;                 // of the link; empty: not known
    std::optional<unsigned> mode;       // permissions
    std::optional<std::uint64_t> size;  // as stat(2) told it
    // Compilers and interpreters go by it: Python's .pyc files hold that of their source.
    std::optional<timespec> modified;
    FilePieces pieces;
    bool changed = false;  // by the program: what it sees of it from now on was not there before
  };
  // Of an executed file: what the kernel loaded to run it.
  struct Executed {
    std::string path;    // as executed
    std::string file;    // as the kernel names it
    std::string loader;  // empty: static
  };

  void on_exec(const Event& event);
  void on_call(const Event& event);
  void on_failure(const Event& event);
  void on_open(const Event& event, const std::string& path);
  void on_status(const Event& event, const std::string& path);
  void on_access(const Event& event, const std::string& path);
  void on_link(const Event& event, const std::string& path);
  void on_mapping(const Event& event);
  void on_transfer(const Event& event);
  void note_change(const Event& event);
  // Whether the path is one that the tree can have: not what every machine has of its own, nor what only
  // looks like a path.
  [[nodiscard]] static bool belongs_in_tree(std::string_view path);
  Node* node(const std::string& path);
  void add_loaders();
  void link_to(const std::string& path, const std::string& target);
  [[nodiscard]] std::string resolved(std::string path, bool last_too) const;
  [[nodiscard]] std::map<std::string, Node> tree() const;

  TraceReader& reader_;
  Descriptors descriptors_;
  std::map<std::string, Node> nodes_;
  std::set<std::string> missing_;                               // looked up and not there
  std::unordered_map<std::uint64_t, std::uint64_t> positions_;  // by open file description
  std::vector<Executed> executed_;
};

}  // namespace rec

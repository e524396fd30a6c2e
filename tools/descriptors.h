// What a trace's tasks have open: the names of their descriptors and their working directories, followed from
// the calls that change them.
//
//   descriptors.name_of(tid, fd)     before add(): as the call found it (close(3</etc/passwd>))
//   descriptors.add(event)
//   descriptors.name_of(tid, fd)     after it: as the call left it (openat(…) = 3</etc/passwd>)
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "format/event.h"
#include "format/syscalls/table.h"
#include "format/trace.h"
#include "tools/object_kind.h"
#include "tools/sockets.h"

namespace rec {

class Descriptors {
 public:
  // `header` has the directory that the first task starts in.
  explicit Descriptors(const TraceHeader& header) : first_directory_(header.working_directory) {}

  // Takes the events in the order of the trace.
  void add(const Event& event);

  // What the task's descriptor refers to, as /proc/PID/fd would have it where the trace tells: a path,
  // "pipe:[1]" and "socket:[2]" (numbered as they were made, both ends of a pipe alike),
  // "anon_inode:[eventfd]". nullptr when it is not known: inherited from rec, or received through a socket.
  // Paths are as they were opened: a symbolic link in them is not followed, a later rename is not seen. Valid
  // as long as this object.
  [[nodiscard]] const std::string* name_of(Tid task, TraceeFd fd) const;

  // What the task's descriptor is, if it is a socket: see sockets.h. Empty otherwise.
  [[nodiscard]] std::string socket_text(Tid task, TraceeFd fd) const;

  // What kind of object the task's descriptor refers to: `unknown` where name_of() knows no name.
  [[nodiscard]] ObjectKind kind_of(Tid task, TraceeFd fd) const;

  // What a task has open, in the order of the numbers.
  struct Held {
    TraceeFd fd;
    const std::string* name;  // see name_of()
    std::uint64_t description;
  };
  [[nodiscard]] std::vector<Held> held_by(Tid task) const;

  // A number that all descriptors have in common that share a file position (open(2), "open file
  // description"): copies, and those of children. 0: not known.
  [[nodiscard]] std::uint64_t description_of(Tid task, TraceeFd fd) const;

  // The task's working directory; nullptr for a task that the trace has not begun.
  [[nodiscard]] const std::string* directory_of(Tid task) const;

  // `path` as the task would find it from `directory` (AT_FDCWD: its working directory), without . and ..
  // where the text allows it. A relative path stays one when the directory is not known.
  [[nodiscard]] std::string absolute(Tid task, TraceeFd directory, std::string_view path) const;

  // The path that the call gave in its first argument that is one, made absolute; nullopt when it has none,
  // or none was recorded. For a directory descriptor with an empty path (AT_EMPTY_PATH) that is its name.
  [[nodiscard]] std::optional<std::string> path_of(const Event& event) const;

 private:
  struct Open {
    const std::string* name = nullptr;
    bool close_on_exec = false;
    std::shared_ptr<Socket> socket;  // of all copies of the descriptor
    std::uint64_t description = 0;
    ObjectKind kind = ObjectKind::unknown;
  };
  using Files = std::map<std::int32_t, Open>;
  // Shared by tasks as clone(2)'s CLONE_FILES and CLONE_FS have it.
  struct Task {
    std::shared_ptr<Files> files;
    std::shared_ptr<std::string> directory;
  };

  void on_start(const Event& event);
  void on_exec(const Event& event);
  void on_call(const Event& event);
  void on_effect(const Event& event, syscalls::Effect effect, Task& task);
  void on_close_range(const Event& event, Task& task);
  void on_unshare(std::uint64_t flags, Task& task);
  void on_fcntl(const Event& event, Task& task);
  void on_socket_call(const Event& event, Task& task);
  void on_new_descriptor(const Event& event, const syscalls::Syscall& call, Task& task);
  void on_pair(const Event& event, std::size_t argument, Task& task);
  [[nodiscard]] const std::string* new_name(const Event& event, const syscalls::Syscall& call);
  [[nodiscard]] const std::string* kept(std::string name) { return &*names_.insert(std::move(name)).first; }

  [[nodiscard]] std::shared_ptr<Socket> socket_of(const Task& task, std::int32_t fd) const;
  [[nodiscard]] std::shared_ptr<Socket> new_socket(const Event& event, const Task& task) const;

  std::string first_directory_;
  std::unordered_map<Tid, Task> tasks_;
  std::unordered_set<std::string> names_;  // never forgets: name_of() gives pointers into it
  std::uint64_t descriptions_ = 0;
  std::uint64_t pipes_ = 0;
  std::uint64_t sockets_ = 0;
};

}  // namespace rec

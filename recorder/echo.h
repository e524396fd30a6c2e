// Which of the program's descriptors lead to what was rec's own standard output and standard error. What is
// written there is kept whole, so that replay can show it.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "format/base/ids.h"

namespace rec {

struct Process;

class EchoDescriptors {
 public:
  // Looks at rec's own descriptors 1 and 2.
  EchoDescriptors();

  // EventFlags for a write to `fd` by a task of `process`: event_echo_stdout, event_echo_stderr or 0. Cached
  // in the process until forget() says that its descriptors may have changed.
  [[nodiscard]] std::uint16_t flags_for(Process& process, Tid tid, std::int32_t fd) const;
  static void forget(Process& process);
  // Whether `fd` is the memory of a process (proc(5), /proc/PID/mem). What is written there would change a
  // task outside of any event of its own. Cached likewise.
  [[nodiscard]] bool is_memory(Process& process, Tid tid, std::int32_t fd) const;

  // Device and inode of those of the two that are known by them and not by their number.
  [[nodiscard]] std::vector<std::pair<std::uint64_t, std::uint64_t>> identities() const;

 private:
  struct Target {
    bool is_open = false;
    // /dev/null and its like: any program may open it anew, so only the descriptor's number tells.
    bool by_number_only = false;
    dev_t device = 0;
    ino_t inode = 0;
  };
  static Target look(int fd);
  [[nodiscard]] std::uint16_t look_up(Process& process, Tid tid, std::int32_t fd) const;

  Target out_;
  Target err_;
};

}  // namespace rec

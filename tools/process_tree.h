// The processes of a trace, gathered from its events: who started whom, what each executed and how it ended.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "format/event.h"

namespace rec {

struct RecordedProcess {
  static constexpr std::size_t no_parent = static_cast<std::size_t>(-1);

  Pid pid{};
  std::size_t parent = no_parent;  // place in ProcessTree::processes()
  std::vector<std::size_t> children;
  std::uint64_t threads = 0;                // how many it ever had
  std::optional<std::int32_t> wait_status;  // none: it still ran when the recording ended
  bool executed = false;                    // not only forked
  std::vector<std::string> command;         // of its last exec, or its parent's when it was forked
};

class ProcessTree {
 public:
  // Takes the events in the order of the trace.
  void add(const Event& event);
  // In the order in which they began. A pid that the kernel gave out again is a process of its own.
  [[nodiscard]] const std::vector<RecordedProcess>& processes() const { return processes_; }
  // Place in processes() of the one that the task belongs to at this point of the trace.
  [[nodiscard]] std::optional<std::size_t> process_of(Tid task) const {
    const auto found = process_of_task_.find(task);
    return found == process_of_task_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  void on_start(const Event& event);
  void on_exec(const Event& event);
  void on_exit(const Event& event);

  std::vector<RecordedProcess> processes_;
  std::unordered_map<Tid, std::size_t> process_of_task_;  // those that exist at this point of the trace
};

// The argument strings that an exec event passed; what was not recorded is left out and "…" put at its place.
[[nodiscard]] std::vector<std::string> argument_strings(const Event& exec);

}  // namespace rec

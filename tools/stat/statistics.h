// Counts the calls of a trace: how many, how long, what failed, how much data.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "format/event.h"
#include "format/trace.h"
#include "tools/descriptors.h"
#include "tools/process_tree.h"
#include "tools/stat/distribution.h"
#include "tools/stat/options.h"
#include "tools/stat/transfer.h"

namespace rec::stat {

// What the calls of one kind did.
struct Counts {
  std::uint64_t calls = 0;
  std::uint64_t errors = 0;
  std::uint64_t read = 0;  // bytes
  std::uint64_t written = 0;
  Distribution times;  // of the calls that returned: exit and what was killed have no time
  std::vector<std::pair<std::int32_t, std::uint64_t>> errnos;  // error number, how often

  void add(const Event& event, bool is_failure);
  void add(const Counts& other);
};

struct Row {
  std::string name;  // of a call or a file
  Counts counts;
};

// The rows of one task or process, or all of a trace (then both numbers are 0).
struct Group {
  Pid pid{};
  Tid tid{};                         // 0 for a process
  std::vector<std::string> command;  // of the process
  std::vector<Row> rows;             // in the order of first occurrence
};

// One of the calls that took longest.
struct LongCall {
  std::uint64_t duration_ns = 0;
  EventNumber event{};
  Tid tid{};
  std::string text;  // as strace would print it
};

struct Result {
  std::vector<Group> groups;  // those that made a call; tasks and processes in the order in which they began
  std::vector<LongCall> longest;  // the longest first
  std::uint64_t events = 0;
};

class Statistics {
 public:
  Statistics(const Options& options, const TraceHeader& header);

  // Takes the events in the order of the trace.
  void add(const Event& event);

  // What was counted so far; to be called once.
  [[nodiscard]] Result result();

 private:
  static constexpr std::size_t no_process = static_cast<std::size_t>(-1);
  static constexpr std::size_t call_numbers = 512;  // more than the table has; others are looked for
  struct Calls {
    std::size_t process = no_process;  // place in the process tree
    Tid tid{};
    std::array<std::uint32_t, call_numbers> place{};  // in `counts`, plus one
    std::vector<std::pair<std::int32_t, Counts>> counts;
  };

  void note_task(const Event& event);
  void count_call(const Event& event);
  void count_file(const Event& event, bool is_failure, const Transfer& transfer);
  void keep_if_long(const Event& event);
  [[nodiscard]] Calls& calls_of(Tid task);
  [[nodiscard]] Calls& new_calls(Tid task);
  [[nodiscard]] static Counts& counts_of(Calls& calls, std::int32_t nr);
  [[nodiscard]] Counts& counts_of(const std::string& file);
  [[nodiscard]] std::optional<std::string> file_of(const Event& event) const;
  [[nodiscard]] std::string file_behind(Tid task, TraceeFd fd) const;
  [[nodiscard]] std::vector<Group> groups();

  Options options_;
  ProcessTree processes_;
  Descriptors descriptors_;
  std::array<Moves, call_numbers> moves_{};
  std::vector<std::unique_ptr<Calls>> calls_;
  std::unordered_map<Tid, std::size_t> calls_of_task_;             // By::task: those alive
  std::unordered_map<std::size_t, std::size_t> calls_of_process_;  // By::process
  Tid last_task_{};
  Calls* last_calls_ = nullptr;                               // of last_task_
  std::unordered_map<std::string, std::size_t> file_places_;  // in files_
  std::vector<Row> files_;
  std::vector<LongCall> longest_;  // a heap, the shortest of them first
  std::uint64_t events_ = 0;
};

}  // namespace rec::stat

// Habits of programs that cost time or go wrong one day, found in their calls.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "format/event.h"
#include "format/trace.h"
#include "tools/descriptors.h"
#include "tools/process_tree.h"
#include "tools/stat/transfer.h"

namespace rec::lint {

enum class Kind : std::uint8_t {
  reopened_file,    // opened, read and closed again and again
  clock_polling,    // the time read many times with nothing in between
  tiny_transfers,   // many reads or writes of a few bytes
  search_path,      // names looked for in directory after directory
  missing_file,     // the same path looked for in vain again and again
  sync_storm,       // data forced to the disk again and again
  descriptor_leak,  // much left open at the process's end
};
inline constexpr Kind last_kind = Kind::descriptor_leak;
[[nodiscard]] const char* kind_name(Kind kind);    // reopened-file
[[nodiscard]] const char* kind_advice(Kind kind);  // what it is and what helps, one sentence

// From how many on it is worth a word.
struct Thresholds {
  std::uint64_t reopens = 10;       // of one file by one process
  std::uint64_t clock_reads = 100;  // in a row
  std::uint64_t tiny_bytes = 64;    // a transfer of so many bytes or less is tiny
  std::uint64_t tiny_calls = 100;   // on one file by one process
  std::uint64_t lookups = 20;       // failing ones of one process
  std::uint64_t misses = 10;        // of one path by one process
  std::uint64_t syncs = 10;         // by one process
  std::uint64_t descriptors = 20;   // left open by one process
};

struct Finding {
  Kind kind = Kind::reopened_file;
  std::size_t process = 0;  // place in processes()
  std::string subject;      // the file, or what was looked for
  std::uint64_t count = 0;
  std::uint64_t cost_ns = 0;  // of the calls that it is about, as recorded
  std::string detail;         // what else there is to say; may be empty
  EventNumber example{};
  std::string example_text;  // as dump has it
};

class Linter {
 public:
  Linter(const Thresholds& thresholds, const TraceHeader& header);

  // Takes the events in the order of the trace.
  void add(const Event& event);
  // Of all that were added; by kind, the most costly first. To be asked once, at the end.
  [[nodiscard]] std::vector<Finding> findings();
  [[nodiscard]] const std::vector<RecordedProcess>& processes() const { return processes_.processes(); }

 private:
  using Place = std::size_t;  // of a process
  struct Tally {
    std::uint64_t count = 0;
    std::uint64_t cost_ns = 0;
    std::uint64_t bytes = 0;
    EventNumber example{};
    std::string example_text;
    void add(const Event& event);
  };
  using PerFile = std::map<std::pair<Place, std::string>, Tally>;
  // An open file description.
  struct Opened {
    Place process = 0;
    EventNumber event{};
    std::string text;
    std::uint64_t cost_ns = 0;
    bool was_read = false;
    bool was_changed = false;
  };
  // A name looked for: where in vain, and what that cost.
  struct Search {
    Tally misses;
    std::set<std::string> directories;
    bool was_found = false;
  };
  struct ClockReads {
    Tally tally;
    std::uint64_t runs = 0;
  };

  void on_call(const Event& event, Place process);
  void on_clock(const Event& event, Place process);
  void end_clock_run(Tid task, Place process);
  void on_transfer(const Event& event, Place process);
  void on_lookup(const Event& event, Place process);
  void on_new_descriptor(const Event& event, Place process);
  void on_close(const Event& event, Place process);
  void on_task_end(const Event& event);
  void add_searches(std::vector<Finding>& findings);
  static void add_files(std::vector<Finding>& findings, Kind kind, PerFile& tallies, std::uint64_t least);

  Thresholds thresholds_;
  ProcessTree processes_;
  Descriptors descriptors_;
  std::array<stat::Moves, 512> moves_{};
  std::unordered_map<std::uint64_t, Opened> opened_;  // by description
  PerFile reopened_;
  PerFile tiny_reads_;
  PerFile tiny_writes_;
  PerFile missing_;
  std::map<std::pair<Place, std::string>, Search> searches_;  // by the last part of the path
  std::map<Place, Tally> syncs_;
  std::unordered_map<Tid, Tally> clock_runs_;
  std::map<Place, ClockReads> clock_reads_;         // in runs that are long enough
  std::unordered_map<Place, std::uint64_t> alive_;  // tasks of each process
  std::vector<Finding> leaks_;
};

}  // namespace rec::lint

// Two recordings of one command side by side: each task's events in its own order, against those of the task
// in the same place of the other recording.
//
//   A   open read read          write exit
//   B   open read read lseek    write exit          one difference: lseek is in B only
//
// The order of events of different tasks is no difference. Signals are compared apart from calls, as they may
// come a call earlier or later; so are not the calls of their handlers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "format/event.h"
#include "format/trace_reader.h"
#include "tools/descriptors.h"
#include "tools/diff/compare.h"
#include "tools/dump/filter.h"

namespace rec::diff {

struct Options {
  // Which calls; nullopt: all but those whose number says little. They depend on how threads happen to run
  // (futex), on addresses (munmap, and other memory that no file is mapped to) and on the time
  // (clock_gettime).
  std::optional<dump::CallFilter> calls;
  std::size_t context = 4;        // lines
  std::size_t string_limit = 32;  // as dump's -s
  bool all = false;               // every difference, not only the first
};

// An event in a difference.
struct Line {
  std::uint64_t event = 0;  // its number
  std::uint64_t time_ns = 0;
  std::string text;
};

// A stretch of one task in which the recordings differ.
struct Hunk {
  Place place = 0;
  std::vector<Line> before;  // the same in both, as A has it
  std::vector<Line> only_a;
  std::vector<Line> only_b;
  std::vector<Line> after;
  bool rejoins = true;  // false: no more of this task was compared
  Difference difference;
  std::uint64_t calls_before = 0;  // of this task, the same in both
};

// One task, in both recordings.
struct TaskPair {
  std::optional<Place> parent;
  std::uint32_t ordinal = 0;  // the n-th that the parent made, from 1
  std::optional<Tid> a;
  std::optional<Tid> b;
  std::string command;  // its process's
};

struct Recording {
  TraceReader& reader;
  std::string path;
};

class Alignment {
 public:
  Alignment(const Recording& a, const Recording& b, const Options& options);
  ~Alignment();
  Alignment(const Alignment&) = delete;
  Alignment& operator=(const Alignment&) = delete;

  // Reads as much as the question needs. Differences in the order of A; only the first one if not all are
  // asked for.
  [[nodiscard]] std::vector<Hunk> run();

  [[nodiscard]] const TaskPair& task(Place place) const { return tasks_[place]; }
  // As `1.2`: the second task made by the first task made by the command itself, which is `0`.
  [[nodiscard]] std::string path_of(Place place) const;
  // Events that are the same in both.
  [[nodiscard]] std::uint64_t same_events() const { return same_; }
  // Why a recording could not be read to its program's end, for the user: what follows was not compared.
  [[nodiscard]] const std::optional<std::string>& problem_of_a() const { return a_.problem; }
  [[nodiscard]] const std::optional<std::string>& problem_of_b() const { return b_.problem; }

 private:
  struct Side {
    Side(const Recording& of, bool is_first);
    TraceReader& reader;
    std::string path;
    bool is_a;
    Numbering numbering;
    std::unordered_map<Tid, Place> alive;
    std::unordered_map<Place, std::uint32_t> children;  // made so far
    Descriptors descriptors;
    bool at_end = false;
    std::optional<std::string> problem;
    std::uint64_t position = 0;  // number of the event read last
    std::size_t waiting = 0;     // in all queues
  };
  using Queue = std::deque<std::unique_ptr<Item>>;
  // The calls of a task, or its signals.
  struct Stream {
    Place place = 0;
    Queue a;
    Queue b;
    Queue passed;  // the last that were the same
    std::uint64_t same = 0;
    bool is_done = false;
  };

  void read(Side& side);
  void take(Side& side, const Event& event);
  void on_start(Side& side, const Event& event);
  void on_exec(Side& side, const Event& event);
  [[nodiscard]] bool is_compared(const Event& event) const;
  [[nodiscard]] static bool is_volatile_source(const Side& side, const Event& event);
  void advance(Stream& stream);
  void pass(Stream& stream);
  [[nodiscard]] bool knows_enough(const Stream& stream) const;
  void part(Stream& stream);
  void skip(Stream& stream, std::size_t from_a, std::size_t from_b);
  [[nodiscard]] std::optional<std::pair<std::size_t, std::size_t>> rejoin(const Stream& stream);
  [[nodiscard]] static bool has_same_calls(const Stream& stream);
  [[nodiscard]] bool agrees_from(const Stream& stream, std::size_t from_a, std::size_t from_b);
  [[nodiscard]] Line line(const Item& item) const;
  [[nodiscard]] bool is_settled() const;
  void drop(Stream& stream);
  void finish_streams();

  Options options_;
  Side a_;
  Side b_;
  Comparer comparer_;
  std::vector<TaskPair> tasks_;
  std::unordered_map<std::uint64_t, Place> place_of_;  // by parent and ordinal
  std::unordered_map<std::uint64_t, Stream> streams_;
  std::vector<std::pair<std::uint64_t, Hunk>> hunks_;  // with their places in A
  std::uint64_t first_parting_ = UINT64_MAX;
  std::uint64_t same_ = 0;
};

}  // namespace rec::diff

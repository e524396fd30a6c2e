// Turns the events of a trace into lines as `strace -f` writes them to a terminal.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "format/event.h"
#include "format/trace.h"
#include "tools/dump/call.h"
#include "tools/dump/filter.h"
#include "tools/dump/options.h"
#include "tools/dump/text.h"

namespace rec::dump {

class Dumper {
 public:
  // Throws Error for a filter that makes no sense.
  Dumper(const DumpOptions& options, const TraceHeader& header);

  // Appends the lines of the next event; none if it has none, or none that the options want.
  void add(const Event& event, Text& out);

 private:
  void put_event(const Event& event, Text& out);
  void put_call_line(const Event& event, Text& out);
  void put_signal_line(const Event& event, Text& out);
  void put_stop_line(const Event& event, Text& out);
  void put_exit_line(const Event& event, Text& out);
  void put_trap_line(const Event& event, Text& out);
  void put_superseded_line(const Event& event, Text& out);

  // Begins a line: which task, when. Returns where it begins in `out`.
  std::size_t begin_line(Text& out, Tid tid, std::uint64_t time_ns);
  void put_time(Text& out, std::uint64_t time_ns);
  void note_tasks(const Event& event);
  void note_tasks_gone(const Event& event);
  [[nodiscard]] bool is_wanted(const Event& event) const;

  DumpOptions options_;
  CallFilter filter_;
  std::uint64_t start_realtime_ns_;
  std::uint64_t line_before_ns_ = 0;
  bool any_line_ = false;
  std::unordered_map<Tid, Pid> tasks_;  // alive, and their processes
};

}  // namespace rec::dump

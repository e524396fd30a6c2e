// Turns the events of a trace into lines as `strace -f` writes them, or into JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "format/event.h"
#include "format/trace.h"
#include "tools/dump/annotations.h"
#include "tools/dump/call.h"
#include "tools/dump/options.h"
#include "tools/dump/text.h"

namespace rec::dump {

class Dumper {
 public:
  Dumper(DumpOptions options, const TraceHeader& header);
  Dumper(const Dumper&) = delete;
  Dumper& operator=(const Dumper&) = delete;

  // Appends the lines of the next event; none if it has none, or none that the options want.
  void add(const Event& event, Text& out);

  // The event's task enters its call now, before the events that are added next; add() then ends it. All of a
  // line stands in one text.
  void begin(const Event& event, Text& out);

  // Takes note of an event that lies before those that are to be shown.
  void pass(const Event& event);

  // Events were left out: whether there are several tasks is not known from them.
  void assume_several_tasks() { several_tasks_ = true; }

  // Ends a line that a call was to end whose event is not there (a damaged trace).
  void finish(Text& out);

 private:
  // What became of a call's beginning.
  struct Begun {
    bool is_shown;
    std::size_t known;  // arguments printed
  };

  void prepare(Text& out, const Event& event);
  Begun begin_call(const Event& event, Text& out);
  void put_event(const Event& event, Text& out);
  void put_call(const Event& event, Text& out, const Begun& begun);
  void put_call_end_line(const Call& call, Text& out, std::size_t known, std::size_t line_start);
  void put_call_times(const Call& call, Text& out);
  void put_start_line(const Event& event, Text& out);
  void put_signal_line(const Event& event, Text& out);
  void put_stop_line(const Event& event, Text& out);
  void put_exit_line(const Event& event, Text& out);
  void put_trap_line(const Event& event, Text& out);
  void put_superseded_line(const Event& event, Text& out);

  // Begins a line: which task, when. Returns where it begins in `out`.
  std::size_t begin_line(Text& out, Tid tid, std::uint64_t time_ns);
  void interrupt_open_line(Text& out);
  void put_time(Text& out, std::uint64_t time_ns);
  void note_tasks(const Event& event);
  void note_tasks_gone(const Event& event);
  [[nodiscard]] bool is_selected(const Event& event) const;
  [[nodiscard]] bool is_call_wanted(const Event& event) const;

  const DumpOptions options_;
  TraceAnnotations annotations_;
  std::uint64_t start_realtime_ns_;
  std::uint64_t line_before_ns_ = 0;
  bool any_line_ = false;
  bool several_tasks_ = false;
  std::optional<Tid> first_task_;
  std::unordered_map<Tid, Pid> tasks_;    // alive, and their processes
  std::unordered_map<Tid, Begun> begun_;  // calls that began before their events came up
  std::optional<Tid> open_line_;      // of the task whose call's beginning is the last thing that was printed
  std::size_t open_line_length_ = 0;  // what of its line stands there
};

}  // namespace rec::dump

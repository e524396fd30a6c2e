// Turns the events of a trace into the tasks, calls and signals of an export.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "format/event.h"
#include "tools/export/timeline_format.h"

namespace rec::exports {

class TimelineEvents {
 public:
  explicit TimelineEvents(Format& format) : format_(format) {}

  // Takes the events in the order of the trace.
  void add(const Event& event);

 private:
  struct Alive {
    TimelineTask task;
    std::uint64_t last_ns = 0;  // the end of its last call
  };

  void dispatch(const Event& event);
  void on_start(const Event& event);
  void on_exec(const Event& event);
  void on_exit(const Event& event);
  void on_call(const Event& event, Alive& alive);

  Format& format_;
  std::unordered_map<Tid, Alive> alive_;
  std::uint64_t tasks_ = 0;
};

}  // namespace rec::exports

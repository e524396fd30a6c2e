// The events of a trace in the order in which things happened: calls begin where they began.
//
// An event stands in a trace where its call ended. While several tasks exist, this reads ahead for the calls
// that they are in, so that the beginning of one can be shown before what happened during it:
//
//   trace:     … 7: pid 12 read   8: pid 12 exit_group   9: pid 11 wait4 (entered before 7)
//   timeline:  … wait4 begins     7: read   8: exit_group   9: wait4 ends
#pragma once

#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "format/event.h"
#include "format/trace_reader.h"
#include "tools/kept_event.h"

namespace rec::dump {

class Timeline {
 public:
  struct Step {
    const Event* event;
    bool is_beginning;  // the task enters its call now; a step of its own for the event follows later
  };

  // Reads `reader` from where it stands. `path` is its file: it is opened a second time when a call ends far
  // behind. In a trace without an index such calls have no step for their beginning.
  Timeline(TraceReader& reader, std::string path);
  ~Timeline();
  Timeline(const Timeline&) = delete;
  Timeline& operator=(const Timeline&) = delete;

  // nullopt after the last one. Valid until the next call. Throws Error where the trace is damaged, after
  // all events before the damage.
  [[nodiscard]] std::optional<Step> next();

 private:
  // A live task's next event: among those ahead, or beyond them.
  struct Head {
    KeptEvent* kept = nullptr;
    std::unique_ptr<KeptEvent> beyond;  // owns `kept`, if it is not among those ahead
    bool is_begun = false;
  };

  void fill();
  [[nodiscard]] bool needs_more() const;
  const Event* read();
  void keep(const Event& event);
  void set_head(Tid task, KeptEvent* kept);
  void offer(Tid task, const Head& head);
  void look_beyond();
  [[nodiscard]] std::unique_ptr<KeptEvent> find_beyond(Tid task);
  Step take_front();
  void note_alive(const Event& event);
  std::unique_ptr<KeptEvent> copy(const Event& event);

  TraceReader& reader_;
  std::string path_;
  std::unique_ptr<TraceReader> far_reader_;
  bool at_end_ = false;
  std::exception_ptr problem_;          // what reading ahead ended with
  std::unordered_set<Tid> read_tasks_;  // alive where the reader stands
  std::unordered_set<Tid> live_;        // alive where the steps are
  std::deque<std::unique_ptr<KeptEvent>> ahead_;
  std::size_t bytes_ahead_ = 0;
  std::vector<std::unique_ptr<KeptEvent>> spare_;
  std::unique_ptr<KeptEvent> current_;                      // what the last step refers to
  std::unordered_map<Tid, std::deque<KeptEvent*>> queues_;  // of ahead_, without the heads
  std::unordered_map<Tid, Head> heads_;
  std::set<std::pair<std::uint64_t, Tid>> beginnings_;  // of heads that are calls and not begun
  std::vector<Tid> headless_;                           // tasks that had a head and have none
};

}  // namespace rec::dump

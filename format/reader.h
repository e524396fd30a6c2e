// Reading traces from a program of one's own: the header to include (link rec_format, or its sources).
//
//   rec::Trace trace("python3-0.rec");
//   for (const rec::Event& event : trace.events({.calls = {"openat"}}))
//     std::puts(rec::text_argument(event, "pathname").value_or("?").c_str());
//
// Everything throws rec::Error: a trace that is missing, damaged or made by a newer rec. What comes before
// the damage has been iterated over by then.
#pragma once

#include <cstdint>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "format/event.h"
#include "format/trace_reader.h"

namespace rec {

// Which events are wanted; what is empty does not matter.
struct EventFilter {
  std::optional<Tid> task;
  std::optional<EventKind> kind;
  std::vector<std::string>
      calls;  // by name; then only system calls are given. Throws Error for an unknown one.
};

// A range to go through once: an event is valid until the iterator moves on.
class EventRange {
 public:
  EventRange(TraceReader& reader, const EventFilter& filter);

  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Event;
    using difference_type = std::ptrdiff_t;
    using pointer = const Event*;
    using reference = const Event&;

    Iterator() = default;
    explicit Iterator(EventRange* range) : range_(range), event_(range->next()) {}
    reference operator*() const { return *event_; }
    pointer operator->() const { return event_; }
    Iterator& operator++() {
      event_ = range_->next();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(const Iterator& other) const { return event_ == other.event_; }

   private:
    EventRange* range_ = nullptr;
    const Event* event_ = nullptr;
  };

  [[nodiscard]] Iterator begin() { return Iterator(this); }
  [[nodiscard]] static Iterator end() { return {}; }

 private:
  const Event* next();
  [[nodiscard]] bool is_wanted(const Event& event) const;

  TraceReader* reader_;
  std::optional<Tid> task_;
  std::optional<EventKind> kind_;
  std::set<std::int32_t> calls_;
};

class Trace {
 public:
  explicit Trace(const std::string& path) : reader_(path) {}

  [[nodiscard]] const TraceHeader& header() const { return reader_.header(); }
  // From the first event on. One range at a time: they share the reader.
  [[nodiscard]] EventRange events(const EventFilter& filter = {});
  // For seeking, contents and verification.
  [[nodiscard]] TraceReader& reader() { return reader_; }

 private:
  TraceReader reader_;
};

// The name of the event's system call; "syscall_N" for one that rec does not know; empty for other events.
[[nodiscard]] std::string call_name(const Event& event);
// The value of the call's argument with this name (as the manual page has it); nullopt: it has none.
[[nodiscard]] std::optional<std::uint64_t> argument(const Event& event, std::string_view name);
// The text that such an argument points to, as far as the trace has it (paths whole, up to 4096 bytes).
[[nodiscard]] std::optional<std::string> text_argument(const Event& event, std::string_view name);
// The error number of a call that failed; 0: it did not.
[[nodiscard]] int error_of(const Event& event);

}  // namespace rec

// The order in which `rec dump` shows calls of several tasks.
#include <asm/unistd.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "format/base/error.h"
#include "format/trace_reader.h"
#include "format/trace_writer.h"
#include "tests/unit/tools_events.h"
#include "tests/unit/trace_support.h"
#include "tools/dump/timeline.h"

namespace rec::testing {
namespace {

using dump::Timeline;

OwnedEvent at(OwnedEvent event, std::uint64_t enter_ns, std::uint64_t leave_ns) {
  event.fixed.enter_ns = enter_ns;
  event.fixed.leave_ns = leave_ns;
  return event;
}

OwnedEvent call_at(std::int32_t tid, std::int64_t nr, std::uint64_t enter_ns, std::uint64_t leave_ns) {
  return at(call_event(tid, nr, {}, 0), enter_ns, leave_ns);
}

void write_trace(const std::string& path, const std::vector<OwnedEvent>& events, bool has_index = true) {
  TraceWriter writer(path, TraceHeader{});
  for (const OwnedEvent& owned : events) with_event(owned, [&](const Event& event) { writer.append(event); });
  if (has_index) writer.finish({});
}

// "+61" for the beginning of a call in a step of its own, "61" for an event, "start" and "exit".
std::vector<std::string> steps_of(Timeline& timeline) {
  std::vector<std::string> steps;
  while (const auto step = timeline.next()) {
    const Event& event = *step->event;
    std::string text = step->is_beginning ? "+" : "";
    if (event.kind == EventKind::start) {
      text += "start";
    } else if (event.kind == EventKind::exit) {
      text += "exit";
    } else {
      text += std::to_string(event.nr);
    }
    steps.push_back(std::move(text));
  }
  return steps;
}

std::vector<std::string> steps_of(const std::vector<OwnedEvent>& events, bool has_index = true) {
  const TemporaryDirectory directory;
  const std::string path = directory / "trace.rec";
  write_trace(path, events, has_index);
  TraceReader reader(path);
  Timeline timeline(reader, path);
  return steps_of(timeline);
}

// 10 starts 20 and waits (61) while that makes `count` calls (39), each ending before it ends.
std::vector<OwnedEvent> waiting_parent(std::uint64_t count) {
  std::vector<OwnedEvent> events = {at(start_event(10, 10, 0), 1, 1), call_at(10, __NR_clone, 2, 5),
                                    at(start_event(20, 20, 10), 4, 4)};
  for (std::uint64_t i = 0; i < count; ++i)
    events.push_back(call_at(20, __NR_getpid, 100 + 10 * i, 105 + 10 * i));
  events.push_back(at(exit_event(20), 100 + 10 * count, 100 + 10 * count));
  events.push_back(call_at(10, __NR_wait4, 50, 101 + 10 * count));
  events.push_back(at(exit_event(10), 200 + 10 * count, 200 + 10 * count));
  return events;
}

TEST_CASE("a call begins before what happens while it waits") {
  CHECK(steps_of(waiting_parent(2)) ==
        std::vector<std::string>{"start", "56", "start", "+61", "39", "39", "exit", "61", "exit"});
}

TEST_CASE("a call that ends far behind begins where it began") {
  const std::vector<std::string> steps = steps_of(waiting_parent(40'000));
  REQUIRE(steps.size() > 5);
  CHECK(steps[3] == "+61");
  CHECK(std::count(steps.begin(), steps.end(), "+61") == 1);
  CHECK(std::count(steps.begin(), steps.end(), "61") == 1);
  CHECK(std::count(steps.begin(), steps.end(), "39") == 40'000);
}

TEST_CASE("without an index such a call comes whole at its end, and nothing is lost") {
  const std::vector<std::string> steps = steps_of(waiting_parent(40'000), false);
  CHECK(std::count(steps.begin(), steps.end(), "61") == 1);
  CHECK(std::count(steps.begin(), steps.end(), "39") == 40'000);
}

TEST_CASE("calls of a task that is alone have one step each") {
  CHECK(steps_of({at(start_event(10, 10, 0), 1, 1), call_at(10, 39, 2, 3), call_at(10, 39, 4, 5)}) ==
        std::vector<std::string>{"start", "39", "39"});
}

TEST_CASE("a task begins nothing before it exists, whatever the clocks say") {
  const std::vector<std::string> steps =
      steps_of({at(start_event(10, 10, 0), 1, 1), call_at(10, 56, 2, 30), at(start_event(20, 20, 10), 20, 20),
                call_at(20, 39, 10, 40), call_at(10, 61, 35, 50)});
  const auto place = [&](const char* step) {
    return std::find(steps.begin(), steps.end(), step) - steps.begin();
  };
  CHECK(std::min(place("+39"), place("39")) >
        std::find(steps.begin() + 1, steps.end(), "start") - steps.begin());
}

TEST_CASE("two calls that overlap have a beginning and an end each") {
  CHECK(steps_of({at(start_event(10, 10, 0), 1, 1), at(start_event(20, 20, 10), 2, 2), call_at(10, 0, 10, 30),
                  call_at(20, 1, 20, 40)}) ==
        std::vector<std::string>{"start", "start", "+0", "+1", "0", "1"});
}

}  // namespace
}  // namespace rec::testing

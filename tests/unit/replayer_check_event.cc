#include <doctest/doctest.h>

#include "replayer/check_event.h"
#include "tests/unit/trace_support.h"
#include "tracee/agent_area.h"

namespace rec {
namespace {

using testing::OwnedEvent;

std::string refusal(const OwnedEvent& event) {
  return testing::error_of([&] { testing::with_event(event, check_event); });
}

OwnedEvent event_of(EventKind kind) {
  OwnedEvent event;
  event.fixed.kind = kind;
  event.fixed.tid = Tid(7);
  return event;
}

OwnedEvent mapping_of(std::uint64_t start, std::uint64_t end) {
  OwnedEvent event = event_of(EventKind::call);
  Mapping mapping;
  mapping.start = RemotePtr<>(start);
  mapping.end = RemotePtr<>(end);
  event.extra = Extra{.mappings = {mapping}};
  return event;
}

TEST_CASE("an event without the details that its kind has is refused before it is replayed") {
  for (const EventKind kind : {EventKind::start, EventKind::exec, EventKind::signal})
    CHECK(refusal(event_of(kind)).find("lacks its details") != std::string::npos);
  OwnedEvent exec = event_of(EventKind::exec);
  exec.extra = Extra{};
  CHECK(refusal(exec).find("lacks the registers") != std::string::npos);
  exec.extra->after = Registers{};
  CHECK(refusal(exec).empty());
  OwnedEvent signal = event_of(EventKind::signal);
  signal.extra = Extra{.after = Registers{}, .point = SignalPoint::fault, .action = SignalAction::handler};
  CHECK(refusal(signal).find("lacks the registers") != std::string::npos);
  signal.extra->before = Registers{};
  CHECK(refusal(signal).empty());
}

TEST_CASE("a task that makes itself is refused, and the first one, which nobody made, is not") {
  OwnedEvent start = event_of(EventKind::start);
  start.extra = Extra{.parent = Tid(7), .after = Registers{}};
  CHECK_FALSE(refusal(start).empty());
  start.extra = Extra{};
  CHECK(refusal(start).empty());
}

TEST_CASE("a mapping without length, beyond any file, or over rec's own pages is refused") {
  CHECK(refusal(mapping_of(0x1000, 0x2000)).empty());
  CHECK_FALSE(refusal(mapping_of(0x2000, 0x2000)).empty());
  CHECK_FALSE(refusal(mapping_of(0x2000, 0x1000)).empty());
  CHECK_FALSE(refusal(mapping_of(0, 0x7ffffffff000)).empty());
  CHECK_FALSE(refusal(mapping_of(agent_area::data, agent_area::data + 1)).empty());
  CHECK(refusal(mapping_of(agent_area::data + agent_area::data_size, 0x70200000)).empty());
  OwnedEvent far = mapping_of(0x1000, 0x3000);
  far.extra->mappings.front().offset = ~std::uint64_t{0xfff};
  CHECK_FALSE(refusal(far).empty());
}

}  // namespace
}  // namespace rec

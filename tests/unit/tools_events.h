// Events as the tools read them, built by hand.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/unit/trace_support.h"

namespace rec::testing {

inline OwnedEvent call_event(std::int32_t tid, std::int64_t nr, const std::array<std::uint64_t, 6>& args,
                             std::int64_t result, std::uint64_t duration_ns = 1000) {
  OwnedEvent event;
  event.fixed.tid = Tid(tid);
  event.fixed.nr = static_cast<std::int32_t>(nr);
  event.fixed.args = args;
  event.fixed.result = result;
  event.fixed.enter_ns = 5000;
  event.fixed.leave_ns = 5000 + duration_ns;
  return event;
}

inline OwnedEvent start_event(std::int32_t tid, std::int32_t pid, std::int32_t parent,
                              std::uint64_t clone_flags = 0) {
  OwnedEvent event;
  event.fixed.tid = Tid(tid);
  event.fixed.kind = EventKind::start;
  event.extra.emplace();
  event.extra->pid = Pid(pid);
  event.extra->parent = Tid(parent);
  event.extra->clone_flags = clone_flags;
  return event;
}

inline OwnedEvent exit_event(std::int32_t tid) {
  OwnedEvent event;
  event.fixed.tid = Tid(tid);
  event.fixed.kind = EventKind::exit;
  return event;
}

// With the string that argument `argument` points to.
inline OwnedEvent with_string(OwnedEvent event, std::uint8_t argument, const std::string& text) {
  const auto* bytes = reinterpret_cast<const std::byte*>(text.c_str());
  event.fixed.args[argument] = 0x10000U * (argument + 1U);
  event.data.push_back({.address = event.fixed.args[argument],
                        .bytes = {bytes, bytes + text.size() + 1},
                        .full_size = text.size() + 1,
                        .role = Data::Role::input,
                        .argument = argument});
  return event;
}

// With what the kernel wrote where argument `argument` points to.
template <class T>
OwnedEvent with_output(OwnedEvent event, std::uint8_t argument, const T& value) {
  const auto bytes = std::as_bytes(std::span(&value, 1));
  event.fixed.args[argument] = 0x10000U * (argument + 1U);
  event.data.push_back({.address = event.fixed.args[argument],
                        .bytes = {bytes.begin(), bytes.end()},
                        .full_size = bytes.size(),
                        .role = Data::Role::output,
                        .argument = argument});
  return event;
}

// Hands the events to `consumer`, numbered.
template <class Consumer>
void feed(Consumer& consumer, const std::vector<OwnedEvent>& events) {
  std::uint64_t number = 0;
  for (OwnedEvent owned : events) {
    owned.fixed.number = EventNumber(number++);
    with_event(owned, [&](const Event& event) { consumer.add(event); });
  }
}

}  // namespace rec::testing

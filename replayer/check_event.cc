#include "replayer/check_event.h"

#include <limits>
#include <string_view>

#include "format/base/error.h"
#include "format/base/remote_ptr.h"
#include "replayer/divergence.h"
#include "tracee/agent_area.h"

namespace rec {
namespace {

[[noreturn]] void fail_damaged(const Event& event, std::string_view problem) {
  fail("the trace is damaged: event {} ({}) {}", event.number, describe_event(event), problem);
}

bool overlaps(const Mapping& mapping, std::uint64_t start, std::uint64_t size) {
  return mapping.start.address() < start + size && mapping.end.address() > start;
}

void check_mapping(const Event& event, const Mapping& mapping) {
  const std::uint64_t start = mapping.start.address();
  const std::uint64_t end = mapping.end.address();
  if (start >= end) fail_damaged(event, "maps nothing");
  if (mapping.offset > std::numeric_limits<std::uint64_t>::max() - (end - start))
    fail_damaged(event, "maps what lies beyond any file");
  if (overlaps(mapping, agent_area::code, agent_area::code_size) ||
      overlaps(mapping, agent_area::data, agent_area::data_size))
    fail_damaged(event, "maps over rec's own pages");
}

void check_signal(const Event& event) {
  if (event.extra == nullptr) fail_damaged(event, "lacks its details");
  const Extra& extra = *event.extra;
  const bool is_compared = extra.point == SignalPoint::fault || extra.point == SignalPoint::before_call;
  if (extra.action == SignalAction::handler && is_compared && !extra.before)
    fail_damaged(event, "lacks the registers before it");
}

void check_stop(const Event& event) {
  if (event.args[1] > static_cast<std::uint64_t>(last_traced_at))
    fail_damaged(event, "is a stop at a place that there is not");
}

}  // namespace

void check_event(const Event& event) {
  const bool is_start = event.kind == EventKind::start;
  if (is_start || event.kind == EventKind::exec) {
    if (event.extra == nullptr) fail_damaged(event, "lacks its details");
    const bool is_first = is_start && event.extra->parent.value() == 0;
    if (!is_first && !event.extra->after) fail_damaged(event, "lacks the registers after it");
    if (is_start && event.extra->parent == event.tid) fail_damaged(event, "is of a task that makes itself");
  }
  if (event.kind == EventKind::signal) check_signal(event);
  if (event.kind == EventKind::traced) check_stop(event);
  const bool is_rdtsc = event.nr == static_cast<std::int32_t>(TrapKind::rdtsc);
  if (event.kind == EventKind::trap && (event.flags & event_by_agent) != 0 && !is_rdtsc)
    fail_damaged(event, "is of an instruction that no agent carries out");
  if (event.extra == nullptr) return;
  for (const Mapping& mapping : event.extra->mappings) check_mapping(event, mapping);
}

}  // namespace rec

// What agents wrote down, made into events: at once, or, where there is much of it, later on the trace
// writer's thread, out of a copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "format/base/raw_bytes.h"
#include "format/event_source.h"
#include "tracee/agent_memory.h"
#include "tracee/seen_file.h"

namespace rec {

// How the times in a ring become those of events.
struct RingClock {
  std::uint64_t start_ns = 0;       // CLOCK_MONOTONIC when the recording began
  std::uint64_t ticks = 0, ns = 0;  // the time-stamp counter and the recording's own time, looked at together
  double ns_per_tick = 0;
  std::uint64_t latest_ns = 0;  // nothing in the rings is younger

  // ns since the recording began.
  [[nodiscard]] std::uint64_t time_of(agent::ClockSource source, std::uint64_t clock) const;
};

// What one task's ring holds: whole records, one behind the other, and those that stand at the ring's
// beginning again.
struct RingPart {
  Tid tid;
  agent::ClockSource source;
  std::span<const std::byte> records;  // not empty
  std::span<const std::byte> more;
};

// The pieces that hang off a record, which must end at `end` at the latest, are added to `pieces`: they refer
// to its bytes. Returns the file that the call was to map, if it was. Throws Error when the agent of `tid`
// wrote nonsense.
std::optional<FileVersion> read_pieces(Tid tid, const agent::Record& record, const std::byte* end,
                                       std::vector<Data>& pieces);

// EventFlags: where a replay shows what the call wrote.
std::uint16_t echo_flags(const agent::Record& record);

// Memory for copies of rings, to be used again. Safe from several threads.
class SpareBytes {
 public:
  [[nodiscard]] RawBytes take(std::size_t size);
  void give_back(RawBytes bytes);

 private:
  std::mutex mutex_;
  std::vector<RawBytes> spare_;
};

// The records of several rings, in the order of their times.
class RingEvents : public EventSource {
 public:
  // `table`: what the agents have. `parts`: one for each task.
  RingEvents(std::shared_ptr<const agent::CallTable> table, const RingClock& clock,
             std::vector<RingPart> parts);
  ~RingEvents() override;

  // From now on it has copies of the records.
  void copy(const std::shared_ptr<SpareBytes>& spare);

  const Event* next() override;
  // Of the event that next() returned: the file that the agent mapped.
  [[nodiscard]] const std::optional<FileVersion>& mapped_file() const { return mapped_file_; }

 private:
  void choose();
  void pass(std::uint32_t size);

  std::shared_ptr<const agent::CallTable> table_;
  RingClock clock_;
  std::vector<RingPart> parts_;  // those that are not empty
  std::size_t chosen_ = 0;       // the next record is the first one of this part, …
  std::uint64_t until_ = 0;      // … and so is the one behind it, if it ended by then
  std::shared_ptr<SpareBytes> spare_;
  RawBytes copy_;
  Event event_;
  std::optional<FileVersion> mapped_file_;
  std::vector<Data> pieces_;
};

}  // namespace rec

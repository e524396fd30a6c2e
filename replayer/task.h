// A replayed task: a real task of the kernel's that plays the part of a recorded one.
#pragma once

#include <algorithm>
#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "format/base/ids.h"
#include "format/event.h"
#include "tracee/agent_memory.h"
#include "tracee/remote_memory.h"
#include "tracee/stopped.h"

namespace rec {

// An address space, shared by the tasks that were made with CLONE_VM.
struct AddressSpace {
  std::uint64_t heap_end = 0;
  // The first thread's stack, as far as it is mapped.
  std::uint64_t stack_start = 0;
  std::uint64_t stack_end = 0;
  std::shared_ptr<AgentMemory> agent;                // nullptr: none is there
  std::map<std::uint64_t, std::uint64_t> aio_rings;  // of io_setup(2): where they are, and their sizes
};

// The last events of a task, for a report: without what hangs off them.
class History {
 public:
  static constexpr std::size_t length = 10;

  void add(const Event& event) {
    Event& place = events_[count_++ % length];
    place = event;
    place.data = {};
    place.extra = nullptr;
  }
  // Precondition: there is one.
  [[nodiscard]] const Event& last() const { return events_[(count_ - 1) % length]; }
  // From the oldest on.
  [[nodiscard]] std::vector<Event> events() const {
    std::vector<Event> all;
    for (std::size_t i = count_ - std::min(count_, length); i < count_; ++i)
      all.push_back(events_[i % length]);
    return all;
  }

 private:
  std::array<Event, length> events_{};
  std::size_t count_ = 0;  // so many were added
};

struct ReplayTask {
  enum class Position {
    user,      // at the start of a segment, not run yet
    at_entry,  // stopped at a system-call entry; `registers` are those of the stop
    at_fault,  // stopped by a signal that its own instruction raised: `fault`
    at_point,  // at the start of a segment that no event has opened yet; or stopped for its tracer there
    ended      // made its last call (exit, exit_group)
  };

  Tid tid;       // as recorded
  Pid pid;       // as recorded
  Tid real_tid;  // as the kernel numbers it now
  DomainId domain;
  std::shared_ptr<AddressSpace> space;
  Position position = Position::user;
  Registers registers{};  // at the last stop
  siginfo_t fault{};
  // It waits in a call while others of its domain run, who may change what it passed.
  bool waits_in_call = false;
  TracedAt traced_at = TracedAt::boundary;  // where it stopped for its tracer last
  std::uint64_t left_ns = 0;                // time of the last event that it has gone beyond
  History history;
  std::uint64_t slot = 0;  // of the agent: where in its memory; 0: the task has none

  [[nodiscard]] RemoteMemory memory() const { return RemoteMemory(real_tid); }
  [[nodiscard]] Stopped stopped() const { return Stopped(real_tid); }
};

}  // namespace rec

// System calls made by a tracee on rec's behalf, many in a row with a single stop: a call of RemoteCalls
// costs two each.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <vector>

#include "tracee/remote_memory.h"
#include "tracee/stopped.h"

namespace rec {

class RemoteBatch {
 public:
  using Place = std::size_t;  // of a call in the batch
  // The result of an earlier call as an argument.
  struct Passed {
    Place from;
    unsigned argument;
  };

  Place add(std::int64_t nr, std::initializer_list<std::uint64_t> args, std::optional<Passed> passed = {});

  // Makes the calls. Precondition: the task runs under rec's seccomp filter and no other, has rec's pages
  // (tracee/agent_area.h), and is in a stop outside of a call, at a call's exit, or where the filter stopped
  // one that shall not be made. What it is to go on with is as before. At most 512 calls. Throws TaskGone.
  void run(const Stopped& task, const RemoteMemory& memory);
  // The same one by one, with two stops each, under any filter.
  void run_one_by_one(const Stopped& task);

  // After either of them, as the kernel gives it: negative errno for failure.
  [[nodiscard]] std::int64_t result(Place place) const { return entries_.at(place).result; }
  // That of the first call that failed; 0: none did.
  [[nodiscard]] std::int64_t first_error() const;

 private:
  // As the loop in tracee/agent_area.h knows it.
  struct Entry {
    std::int64_t nr;
    std::uint64_t args[6];
    std::int64_t result;
  };
  static_assert(sizeof(Entry) == 64);

  std::vector<Entry> entries_;
};

}  // namespace rec

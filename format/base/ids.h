// Identifiers with a type of their own, so that a thread id is never taken for a process id or a descriptor.
#pragma once

#include <fmt/format.h>

#include <compare>
#include <cstdint>
#include <functional>

namespace rec {

template <class Tag, class Rep>
class StrongId {
 public:
  using rep = Rep;
  constexpr StrongId() = default;
  constexpr explicit StrongId(Rep value) : value_(value) {}
  [[nodiscard]] constexpr Rep value() const { return value_; }
  constexpr auto operator<=>(const StrongId&) const = default;

 private:
  Rep value_{};
};

// A kernel thread (task) and a thread group (process), as numbered when recorded. During replay the kernel's
// own numbers are different ones; those are held in the same types, in fields named `real_…`.
using Tid = StrongId<struct TidTag, std::int32_t>;
using Pid = StrongId<struct PidTag, std::int32_t>;

// A set of processes that share writable memory; its tasks take turns (DESIGN §3).
using DomainId = StrongId<struct DomainTag, std::uint32_t>;

// Position of an event in the one global sequence of a trace; the first event has number 0.
using EventNumber = StrongId<struct EventTag, std::uint64_t>;

// One version of one file's content as stored in a trace.
using ContentId = StrongId<struct ContentTag, std::uint32_t>;

// An open-file number in the tracee (never one of rec's own descriptors, which are UniqueFd).
using TraceeFd = StrongId<struct TraceeFdTag, std::int32_t>;

}  // namespace rec

template <class Tag, class Rep>
struct std::hash<rec::StrongId<Tag, Rep>> {
  std::size_t operator()(const rec::StrongId<Tag, Rep>& id) const noexcept {
    return std::hash<Rep>{}(id.value());
  }
};

template <class Tag, class Rep>
struct fmt::formatter<rec::StrongId<Tag, Rep>> : fmt::formatter<Rep> {
  template <class Context>
  auto format(const rec::StrongId<Tag, Rep>& id, Context& context) const {
    return fmt::formatter<Rep>::format(id.value(), context);
  }
};

// A task's memory as far as an event recorded it, read like that of a live tracee.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "format/base/memory.h"
#include "format/event.h"

namespace rec::dump {

enum class Moment : std::uint8_t {
  before,  // at the call's entry: what the program passed
  after,   // at its exit: what the kernel wrote, laid over that
};

// Holds on to the event's data, not to the event. Cheap to make: the pieces are looked through at each read,
// as an event has few.
class EventMemory final : public Memory {
 public:
  EventMemory(std::span<const Data> pieces, Moment moment) : pieces_(pieces), moment_(moment) {}

  [[nodiscard]] std::size_t read_some(RemotePtr<> from, std::span<std::byte> buffer) const override;

  // The bytes at `from`, up to `size` of them, without a copy: those that one piece has. May be empty.
  [[nodiscard]] std::span<const std::byte> view(RemotePtr<> from, std::uint64_t size) const;

  // Whether the kernel wrote the byte at `at` (known at both moments).
  [[nodiscard]] bool is_output(RemotePtr<> at) const;

 private:
  [[nodiscard]] const Data* piece_at(RemotePtr<> at, bool output) const;

  std::span<const Data> pieces_;
  Moment moment_;
};

}  // namespace rec::dump

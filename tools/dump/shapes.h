// How each structure of shapes.def is printed. A printer reads its structure through the scope's memory,
// which holds what the event recorded.
#pragma once

#include <cstdint>
#include <optional>

#include "format/syscalls/flags.h"
#include "format/syscalls/spec.h"
#include "tools/dump/event_memory.h"
#include "tools/dump/options.h"
#include "tools/dump/text.h"

namespace rec::dump {

struct Scope {
  Text& out;
  const DumpOptions& options;
  const Event& event;
  const EventMemory& memory;  // at the moment that is shown
  const EventMemory& before;  // at the call's entry
  syscalls::Dir dir;          // of the argument that the structure hangs off

  // The kernel has filled what it was given to fill.
  [[nodiscard]] bool is_filled() const { return dir != syscalls::Dir::in && event.result >= 0; }
};

// Prints the structure at `at`; `size` is how many bytes the call gave it (of structures of one size: that).
// False, with nothing printed, when it was not recorded: then its address is what there is to show.
using ShapePrinter = bool (*)(const Scope& scope, RemotePtr<> at, std::uint64_t size);

enum class Frame : std::uint8_t {
  none,      // {…}
  brackets,  // numbers behind a pointer are shown as [5]
  whole,     // one printer for all elements together (a set of bits)
};

struct ShapeForm {
  ShapePrinter print = nullptr;  // nullptr: only the address is shown
  Frame frame = Frame::none;
};

[[nodiscard]] const ShapeForm& form_of(syscalls::Shape shape);

template <class T>
[[nodiscard]] std::optional<T> load(const Scope& scope, RemotePtr<> at) {
  return scope.memory.read(at.cast<T>());
}

// Named constants, in the form that the text asks for.
void put_flags(Text& out, syscalls::FlagSet set, std::uint64_t value);

// A structure, or its address if it was not recorded.
void put_shape_or_pointer(const Scope& scope, syscalls::Shape shape, std::uint64_t address,
                          std::uint64_t size);

// [element, …]: `count` elements of `unit` bytes, as many as the options allow. False when the first was not
// recorded.
bool put_array(const Scope& scope, syscalls::Shape shape, RemotePtr<> at, std::uint64_t count,
               std::uint64_t unit);

// The bytes as a string, or their address if they were not recorded.
void put_bytes_or_pointer(const Scope& scope, std::uint64_t address, std::uint64_t size);

// The NUL-terminated string, cut at `limit`; or its address.
void put_string_or_pointer(const Scope& scope, std::uint64_t address, std::size_t limit);

}  // namespace rec::dump

// A system-call event as the table sees it, and the text of its arguments.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "format/event.h"
#include "format/syscalls/table.h"
#include "tools/dump/event_memory.h"
#include "tools/dump/options.h"
#include "tools/dump/shapes.h"
#include "tools/dump/text.h"

namespace rec::dump {

// What is known of one call. Refers to the event: use it no longer than that.
struct Call {
  explicit Call(const Event& call_event);

  const Event& event;
  const syscalls::Syscall* entry;    // nullptr: a number that the table does not have
  const syscalls::Variant* variant;  // nullptr: none, or a request that the table does not have
  std::span<const syscalls::Arg> args;
  EventMemory before;
  EventMemory after;

  [[nodiscard]] bool succeeded() const { return !is_error(event.result); }
  [[nodiscard]] bool returned() const { return (event.flags & event_no_result) == 0; }
};

// Where text goes, and how.
struct Writer {
  Text& out;
  const DumpOptions& options;
};

// Appends one argument in the form that its type gives.
void put_argument(const Writer& writer, const Call& call, std::size_t index);
// The same in the form that the call gives it, if that is another.
void put_one_argument(const Writer& writer, const Call& call, std::size_t index);

// How many bytes of memory the argument's call gave or filled, by the argument's rule and the call's result.
[[nodiscard]] std::uint64_t memory_size(const Call& call, const syscalls::Arg& arg, std::uint64_t address);

// The scope in which the argument's memory is printed.
[[nodiscard]] Scope scope_of(const Writer& writer, const Call& call, const syscalls::Arg& arg,
                             const EventMemory& memory);

// `name`, or syscall_0x1ff.
void put_call_name(Text& out, const Call& call);

// `name(` and the arguments that are known when the call begins, up to the comma before the next. Returns the
// index of the first argument that is not known.
std::size_t put_call_begin(const Writer& writer, const Call& call);

// The arguments from `index` on, as they are when the call has returned, and the closing parenthesis.
void put_call_end(const Writer& writer, const Call& call, std::size_t index);

// What comes after "= ".
void put_result(const Writer& writer, const Call& call);

}  // namespace rec::dump

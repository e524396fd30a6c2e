// What a system call reads and writes in its caller's memory, from the table alone.
//
// plan() at entry fixes addresses and capacities; settle() at exit shrinks the outputs to what the kernel
// wrote. The recorder captures by it, the replayer checks by it, the printer finds its bytes by it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "format/base/memory.h"
#include "format/syscalls/table.h"

namespace rec::syscalls {

// No plan describes more memory than this. Above MAX_RW_COUNT (fs/read_write.c), so that whatever one call
// can transfer fits: a plan is addresses only, the memory is read after settle().
inline constexpr std::uint64_t max_extent_bytes = std::uint64_t{1} << 31;
// Nor more pieces: the argv of a hostile execve would have millions.
inline constexpr std::size_t max_extents = 1 << 14;

struct CallArguments {
  std::int64_t nr = 0;
  std::array<std::uint64_t, 6> args{};
};

// One piece of memory that a call touches.
struct Extent {
  RemotePtr<> address;
  std::uint64_t size = 0;     // capacity after plan(); bytes really written after settle() (outputs)
  bool input = false;         // the kernel reads it
  bool output = false;        // the kernel writes it
  bool bulk = false;          // data of arbitrary length (read/write buffers), not a path or structure
  std::uint8_t argument = 0;  // which argument it hangs off
  // Where the pointer to it is held: in the argument itself (pointer_in == no_extent), or at byte
  // `pointer_offset` of the extent `pointer_in` of the same plan (an iovec in a msghdr). A recorder that lets
  // the kernel write elsewhere first has to change the pointer there. Containing extents come before what
  // they contain.
  static constexpr std::uint16_t no_extent = 0xffff;
  std::uint16_t pointer_in = no_extent;
  std::uint32_t pointer_offset = 0;
};

struct Plan {
  std::vector<Extent> extents;
  // False when the table does not know the call, or not this request of a multiplexer: then outputs have to
  // be found by comparing memory around pointer arguments before and after.
  bool modelled = true;
  // The variant of a multiplexer that was selected (nullptr: none or unknown).
  const Variant* variant = nullptr;
};

// `memory` is the caller's at entry. A null pointer or one that no user memory can be behind gives no extent;
// others are followed only as far as sizes depend on it, so that reading an extent may still come short: then
// the kernel answered EFAULT, or touched just that much. Sizes and their number are bounded, whatever the
// arguments say.
[[nodiscard]] Plan plan(const CallArguments& call, const Memory& memory);

// `result` is the call's return value (negative errno for failure), `memory` the caller's at exit. Outputs
// that were not written get size 0. A failing call may still write (value-result lengths, nanosleep's
// remainder, …): the table says which.
void settle(Plan& plan, const CallArguments& call, std::int64_t result, const Memory& memory);

}  // namespace rec::syscalls

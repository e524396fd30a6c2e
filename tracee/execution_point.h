// The whole state of a task between two instructions, as far as its code can tell: registers, FP and SIMD
// state, memory. Where it is equal, what follows is equal: that is how replay finds, without a counter, the
// place at which a recorded task was interrupted. Which pass of a loop it was does not matter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "format/registers.h"
#include "tracee/memory_hash.h"
#include "tracee/stopped.h"

namespace rec {

// Without what the tracer or an interrupt leave in them: RF, TF, the number of a call that is not being made.
[[nodiscard]] Registers normalised(Registers registers);

// NT_X86_XSTATE without what the processor sets or not as it likes: the last x87 instruction's addresses and
// opcode, the list of parts that are in use, the kernel's own bytes.
[[nodiscard]] std::vector<std::byte> normalised_xstate(std::vector<std::byte> state);

struct SamplePage {
  std::uint64_t address = 0;
  std::vector<std::byte> bytes;  // page_size of them
};

struct ExecutionPoint {
  Registers registers{};           // normalised
  std::vector<std::byte> xstate;   // normalised
  std::vector<std::byte> code;     // at rip; as many as can be read of longest_instruction + 5
  std::uint64_t memory_total = 0;  // MemoryHash::total
  std::vector<SamplePage> pages;   // some pages that are likely to differ from pass to pass
};

// At most this many pages are kept with a point.
inline constexpr std::size_t most_sample_pages = 6;

// Of the pages that `hash` lists, those to keep with a point: the stack's first, then those of the addresses
// in `written` (written_memory()), those that have changed since `before` (sorted, may be empty), and what
// the registers point to.
[[nodiscard]] std::vector<std::uint64_t> choose_sample_pages(const Registers& registers,
                                                             std::span<const std::uint64_t> written,
                                                             const MemoryHash& hash,
                                                             std::span<const PageHash> before);

}  // namespace rec

// Machine code that a replayed task runs in place of the instruction in front of which its recording was
// interrupted. It compares what the task has with what it is to have, and traps only when all of it is equal:
// a loop passes its point millions of times, and a stop for each would take minutes.
//
//   P: jmp stub ──▶ stub:  mov %rcx,(saved)
//                          mov $-value,%rcx ; lea (%rcx,%reg),%rcx     one for each check; no flags, no stack
//                          jrcxz 1f ; jmp differs
//                       1: …
//                          mov (saved),%rcx ; int3                     all equal: the tracer looks at the
//                          rest
//                 differs: mov (saved),%rcx
//                 resume:  the instruction that was at P, as it has to be here
//                          jmp behind P
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "format/registers.h"
#include "tracee/instruction.h"

namespace rec {

// Something that a stub compares: 64 bits of a register or of memory.
struct StubCheck {
  enum class What {
    general,  // register `index`, as instructions number them (0 rax, 1 rcx, 2 rdx, 3 rbx, 4 rsp, … 15 r15)
    vector,   // the low half of xmm`index`
    memory,   // at `where`
    xstate    // `where` bytes into the XSAVE area
  };
  What what = What::general;
  std::uint8_t index = 0;
  std::uint64_t where = 0;
  std::uint64_t value = 0;

  bool operator==(const StubCheck&) const = default;
};

// General register `index` as instructions number them.
[[nodiscard]] std::uint64_t general_register(const Registers& registers, unsigned index);

struct PointStub {
  std::vector<std::byte> code;
  std::uint64_t trapped_at = 0;  // the instruction pointer that its int3 reports
  std::uint64_t resume_at = 0;   // where to go on after it
};

// The pages that a stub needs: from the one in which it begins, two for its code, the rest for its data.
inline constexpr std::uint64_t stub_code_size = 0x2000;
inline constexpr std::uint64_t stub_data_size = 0x4000;
inline constexpr std::uint64_t stub_region_size = stub_code_size + stub_data_size;

// The stub for an instruction at `address` (whose bytes begin `original`), to be placed at `at`; its data, at
// `data` (a page's start within ±2 GiB), are stub_data_size bytes. nullopt: the instruction cannot be moved
// there.
[[nodiscard]] std::optional<PointStub> build_point_stub(const Instruction& instruction, std::uint64_t address,
                                                        std::span<const std::byte> original, std::uint64_t at,
                                                        std::uint64_t data,
                                                        std::span<const StubCheck> checks);

}  // namespace rec

// Answers to `cpuid` inside the tracee: a routine and a table, for code that was patched to call it
// (make_cpuid_patch in tracee/code_patch.h). A dynamic loader executes some 50 of them at every start, and a
// stop each costs more than all the rest of its work.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace rec {

// eax, ebx, ecx, edx
using CpuidResult = std::array<std::uint32_t, 4>;

struct CpuidAnswers {
  // Independent of its position, 16-byte aligned at most. Called with leaf and subleaf in eax and ecx, the
  // routine at its start returns with the result in eax, ebx, ecx and edx, everything else unchanged, as
  // `cpuid` does.
  std::vector<std::byte> code;
  // Where in it stands a `cpuid` of its own, which is reached for what the table does not have.
  std::uint64_t miss = 0;
};

// Fills the table by `ask(leaf, subleaf)`: with all leaves of the processor's that do not depend on a
// subleaf, or on the first few ones.
[[nodiscard]] CpuidAnswers make_cpuid_answers(
    const std::function<CpuidResult(std::uint32_t leaf, std::uint32_t subleaf)>& ask);

}  // namespace rec

// The processor's features as a program can see them: what cpuid and the auxiliary vector tell of, and what
// of it is hidden so that a recording can be replayed on other processors (`rec record --cpu-baseline`).
//
// A program chooses its code by what cpuid says (every libc does). So a replay needs exactly the features
// that the recorded program could see, used or not.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rec {

// The x86-64 psABI's levels, and the processor as it is.
enum class CpuBaseline { v1, v2, v3, v4, native };

[[nodiscard]] std::string_view name_of(CpuBaseline baseline);  // "x86-64", "x86-64-v2", …, "native"
[[nodiscard]] std::optional<CpuBaseline> cpu_baseline(std::string_view name);

struct CpuidAnswer {
  std::uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
  bool operator==(const CpuidAnswer&) const = default;
};

// A processor: what cpuid answers (leaf, subleaf). Leaves that it does not have answer zeros.
using Processor = std::function<CpuidAnswer(std::uint32_t, std::uint32_t)>;

// What a recorded program is told instead of `answer`. Under every baseline it is not told of what cannot be
// recorded or repeated: rdrand, rdseed, rdpid, transactional memory, and the forms of XSAVE that leave out
// what is in its initial state (which is as the processor likes).
[[nodiscard]] CpuidAnswer shown_answer(CpuBaseline baseline, std::uint32_t leaf, std::uint32_t subleaf,
                                       CpuidAnswer answer);

// The same for XCR0 (xgetbv), and for an entry of the auxiliary vector.
[[nodiscard]] std::uint64_t shown_xcr0(CpuBaseline baseline, std::uint64_t xcr0);
[[nodiscard]] std::uint64_t shown_auxiliary(CpuBaseline baseline, std::uint64_t type, std::uint64_t value);

// The features that a recorded program can see on this processor, by name.
[[nodiscard]] std::vector<std::string> shown_features(CpuBaseline baseline, const Processor& processor);

// Those of `needed` that a program replayed on the processor would not find.
[[nodiscard]] std::vector<std::string> missing_features(const std::vector<std::string>& needed,
                                                        const Processor& processor);

// The highest level all of whose features are among `features`; and the features beyond it.
struct FeatureSummary {
  std::optional<CpuBaseline> level;  // nullopt: not even the first
  std::vector<std::string> beyond;
};
[[nodiscard]] FeatureSummary summarise_features(const std::vector<std::string>& features);

}  // namespace rec

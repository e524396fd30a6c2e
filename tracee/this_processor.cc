#include "tracee/this_processor.h"

#include <cpuid.h>

#include <map>
#include <utility>

namespace rec {

CpuidAnswer ask_processor(std::uint32_t leaf, std::uint32_t subleaf) {
  static thread_local std::map<std::pair<std::uint32_t, std::uint32_t>, CpuidAnswer> known;
  const auto [at, is_new] = known.try_emplace({leaf, subleaf});
  CpuidAnswer& answer = at->second;
  if (is_new) __cpuid_count(leaf, subleaf, answer.eax, answer.ebx, answer.ecx, answer.edx);
  return answer;
}

CpuidAnswer this_processor(std::uint32_t leaf, std::uint32_t subleaf) {
  const std::uint32_t highest = ask_processor(leaf & 0x80000000, 0).eax;
  return leaf <= highest ? ask_processor(leaf, subleaf) : CpuidAnswer{};
}

std::uint64_t xstate_features() {
  if ((this_processor(1, 0).ecx & bit_OSXSAVE) == 0) return 0;
  std::uint32_t low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return std::uint64_t{high} << 32 | low;
}

}  // namespace rec

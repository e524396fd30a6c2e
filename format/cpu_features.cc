#include "format/cpu_features.h"

#include <cpuid.h>
#include <elf.h>

#include <algorithm>
#include <array>
#include <utility>

namespace rec {
namespace {

enum class Register { eax, ebx, ecx, edx };
enum class Level { v1, v2, v3, v4, none };

struct Feature {
  std::string_view name;
  std::uint32_t leaf, subleaf;
  Register where;
  unsigned bit;
  Level level;
};

constexpr std::array features{
#define FEATURE(name, leaf, subleaf, where, bit, level) \
  Feature{name, leaf, subleaf, Register::where, bit, Level::level},
#include "format/cpu_features.def"
#undef FEATURE
};

constexpr std::array<std::pair<CpuBaseline, std::string_view>, 5> baselines{{
    {CpuBaseline::v1, "x86-64"},
    {CpuBaseline::v2, "x86-64-v2"},
    {CpuBaseline::v3, "x86-64-v3"},
    {CpuBaseline::v4, "x86-64-v4"},
    {CpuBaseline::native, "native"},
}};

// Leaves of which each bit is a feature: everything in them that is neither listed nor here is hidden under a
// baseline, so that what processors bring later is hidden, too.
struct FeatureWord {
  std::uint32_t leaf, subleaf;
  CpuidAnswer harmless;  // says how fast something is, or concerns kernels alone
};
constexpr std::array feature_words{
    // Family, model, stepping; the core's number. ECX: PDCM, PCID, x2APIC, TSC deadline, hypervisor.
    FeatureWord{1, 0, {~0U, ~0U, 1U << 15 | 1U << 17 | 1U << 21 | 1U << 24 | 1U << 31, ~0U}},
    // EBX: TSC_ADJUST, FDP_EXCPTN, SMEP, ERMS, INVPCID, no FCS/FDS, SMAP. EDX: FSRM.
    FeatureWord{
        7, 0, {~0U, 1U << 1 | 1U << 6 | 1U << 7 | 1U << 9 | 1U << 10 | 1U << 13 | 1U << 20, 0, 1U << 4}},
    FeatureWord{7, 1, {1U << 10 | 1U << 11 | 1U << 12, 0, 0, 0}},  // fast string operations
    FeatureWord{7, 2, {}},
    FeatureWord{0x19, 0, {}},  // key locker
    FeatureWord{0x1d, 0, {}},  // AMX
    FeatureWord{0x1d, 1, {}},
    FeatureWord{0x1e, 0, {}},
    FeatureWord{0x1e, 1, {}},
    FeatureWord{0x24, 0, {}},  // AVX10
    // ECX: CmpLegacy, TOPOEXT. EDX: as in leaf 1, NX, 1 GiB pages, long mode.
    FeatureWord{0x80000001, 0, {~0U, ~0U, 1U << 1 | 1U << 22, 0x0183f3ff | 1U << 20 | 1U << 26 | 1U << 29}},
    FeatureWord{0x80000008, 0, {~0U, 0, ~0U, ~0U}},
};

// Intel SDM, volume 1, 13.1: x87, SSE, AVX.
constexpr std::uint64_t states_of_v1 = 3;
constexpr std::uint64_t states_of_v3 = 7;
constexpr std::uint64_t states_of_v4 = 0xe7;
constexpr std::uint32_t xsave_leaf = 0xd;

constexpr std::uint32_t word_of(const CpuidAnswer& answer, Register where) {
  switch (where) {
    case Register::eax:
      return answer.eax;
    case Register::ebx:
      return answer.ebx;
    case Register::ecx:
      return answer.ecx;
    case Register::edx:
      return answer.edx;
  }
  return 0;
}

constexpr void add_bit(CpuidAnswer& answer, Register where, unsigned bit) {
  switch (where) {
    case Register::eax:
      answer.eax |= 1U << bit;
      return;
    case Register::ebx:
      answer.ebx |= 1U << bit;
      return;
    case Register::ecx:
      answer.ecx |= 1U << bit;
      return;
    case Register::edx:
      answer.edx |= 1U << bit;
      return;
  }
}

bool has(CpuBaseline baseline, Level level) {
  return baseline == CpuBaseline::native ||
         (level != Level::none && static_cast<int>(level) <= static_cast<int>(baseline));
}

CpuidAnswer operator&(const CpuidAnswer& a, const CpuidAnswer& b) {
  return {a.eax & b.eax, a.ebx & b.ebx, a.ecx & b.ecx, a.edx & b.edx};
}

// The leaf about XSAVE: which states there are, and how large they are.
CpuidAnswer shown_xsave_leaf(CpuBaseline baseline, std::uint32_t subleaf, CpuidAnswer answer) {
  if (subleaf == 1) return {};  // XSAVEOPT, XSAVEC, XINUSE, XSAVES
  if (baseline == CpuBaseline::native) return answer;
  if (!has(baseline, Level::v3)) return {};
  const std::uint64_t xcr0 = shown_xcr0(baseline, std::uint64_t{answer.edx} << 32 | answer.eax);
  if (subleaf >= 2)
    return subleaf < 64 && (shown_xcr0(baseline, ~0ULL) >> subleaf & 1) != 0 ? answer : CpuidAnswer{};
  answer.eax = static_cast<std::uint32_t>(xcr0);
  answer.edx = 0;
  // The sizes stay: an xsave that asks for more states than are shown would still write them.
  return answer;
}

// Of no baseline: what such an instruction yields cannot be repeated.
CpuidAnswer without_unrepeatable(std::uint32_t leaf, std::uint32_t subleaf, CpuidAnswer answer) {
  if (leaf == 1) answer.ecx &= ~static_cast<std::uint32_t>(bit_RDRND);
  if (leaf == 7 && subleaf == 0) {
    constexpr std::uint32_t rdseed = 1U << 18, rtm = 1U << 11, hle = 1U << 4, rdpid = 1U << 22;
    answer.ebx &= ~(rdseed | rtm | hle);
    answer.ecx &= ~rdpid;
  }
  return answer;
}

}  // namespace

std::string_view name_of(CpuBaseline baseline) {
  return std::find_if(baselines.begin(), baselines.end(),
                      [&](const auto& known) { return known.first == baseline; })
      ->second;
}

std::optional<CpuBaseline> cpu_baseline(std::string_view name) {
  for (const auto& [baseline, known] : baselines) {
    if (known == name) return baseline;
  }
  return std::nullopt;
}

CpuidAnswer shown_answer(CpuBaseline baseline, std::uint32_t leaf, std::uint32_t subleaf,
                         CpuidAnswer answer) {
  if (leaf == xsave_leaf) return shown_xsave_leaf(baseline, subleaf, answer);
  answer = without_unrepeatable(leaf, subleaf, answer);
  if (baseline == CpuBaseline::native) return answer;
  for (const FeatureWord& word : feature_words) {
    // Leaf 1 and those of AMD have no subleaves: whatever was asked, it is the same.
    const bool has_subleaves = word.leaf == 7 || word.leaf == 0x1d || word.leaf == 0x1e;
    if (word.leaf != leaf || (has_subleaves && word.subleaf != subleaf)) continue;
    CpuidAnswer keep = word.harmless;
    for (const Feature& feature : features) {
      if (feature.leaf != word.leaf || feature.subleaf != word.subleaf) continue;
      if (has(baseline, feature.level)) add_bit(keep, feature.where, feature.bit);
    }
    return answer & keep;
  }
  return answer;
}

std::uint64_t shown_xcr0(CpuBaseline baseline, std::uint64_t xcr0) {
  switch (baseline) {
    case CpuBaseline::v1:
    case CpuBaseline::v2:
      return xcr0 & states_of_v1;
    case CpuBaseline::v3:
      return xcr0 & states_of_v3;
    case CpuBaseline::v4:
      return xcr0 & states_of_v4;
    case CpuBaseline::native:
      return xcr0;
  }
  return xcr0;
}

std::uint64_t shown_auxiliary(CpuBaseline baseline, std::uint64_t type, std::uint64_t value) {
  // AT_HWCAP is leaf 1's EDX, of which every level has all. AT_HWCAP2 (arch/x86/include/uapi/asm/hwcap2.h):
  // monitor/mwait for user code, fsgsbase.
  return type == AT_HWCAP2 && baseline != CpuBaseline::native ? 0 : value;
}

std::vector<std::string> shown_features(CpuBaseline baseline, const Processor& processor) {
  std::vector<std::string> shown;
  for (const Feature& feature : features) {
    const CpuidAnswer answer =
        shown_answer(baseline, feature.leaf, feature.subleaf, processor(feature.leaf, feature.subleaf));
    if ((word_of(answer, feature.where) >> feature.bit & 1) != 0) shown.emplace_back(feature.name);
  }
  return shown;
}

std::vector<std::string> missing_features(const std::vector<std::string>& needed,
                                          const Processor& processor) {
  const std::vector<std::string> there = shown_features(CpuBaseline::native, processor);
  std::vector<std::string> missing;
  for (const std::string& name : needed) {
    if (std::find(there.begin(), there.end(), name) == there.end()) missing.push_back(name);
  }
  return missing;
}

FeatureSummary summarise_features(const std::vector<std::string>& shown) {
  const auto is_shown = [&](std::string_view name) {
    return std::find(shown.begin(), shown.end(), name) != shown.end();
  };
  FeatureSummary summary;
  for (const Level level : {Level::v1, Level::v2, Level::v3, Level::v4}) {
    const bool has_all = std::all_of(features.begin(), features.end(), [&](const Feature& feature) {
      return feature.level != level || is_shown(feature.name);
    });
    if (!has_all) break;
    summary.level = static_cast<CpuBaseline>(level);
  }
  for (const std::string& name : shown) {
    const auto known = std::find_if(features.begin(), features.end(),
                                    [&](const Feature& feature) { return feature.name == name; });
    const bool is_in_level = known != features.end() && summary.level && has(*summary.level, known->level);
    if (!is_in_level) summary.beyond.push_back(name);
  }
  return summary;
}

}  // namespace rec

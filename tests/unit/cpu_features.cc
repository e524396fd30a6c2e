// What a recorded program is told of the processor, and on which processors its recording can be replayed.
#include <doctest/doctest.h>
#include <elf.h>

#include <algorithm>
#include <map>
#include <utility>

#include "format/base/error.h"
#include "format/cpu_features.h"
#include "replayer/processor.h"
#include "tracee/this_processor.h"

namespace rec {
namespace {

using Leaf = std::pair<std::uint32_t, std::uint32_t>;

constexpr std::uint32_t all = ~0U;

// A processor that has everything that there is.
CpuidAnswer rich(std::uint32_t, std::uint32_t) { return {all, all, all, all}; }

// One with the features of the first generation with AVX2 (Haswell), as far as these tests need them.
Processor haswell() {
  const std::map<Leaf, CpuidAnswer> answers{
      {{1, 0}, {0x306c3, 0, 0x7ffafbbf, 0xbfebfbff}},
      {{7, 0}, {0, 0x000027ab, 0, 0}},
      {{0xd, 0}, {7, 832, 832, 0}},
      {{0x80000001, 0}, {0, 0, 0x21, 0x2c100800}},
  };
  return [answers](std::uint32_t leaf, std::uint32_t subleaf) {
    const auto at = answers.find({leaf, subleaf});
    return at == answers.end() ? CpuidAnswer{} : at->second;
  };
}

bool holds(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

TEST_CASE("every baseline has a name by which it is found") {
  for (const auto baseline :
       {CpuBaseline::v1, CpuBaseline::v2, CpuBaseline::v3, CpuBaseline::v4, CpuBaseline::native})
    CHECK(cpu_baseline(name_of(baseline)) == baseline);
  CHECK_FALSE(cpu_baseline("x86-64-v9").has_value());
}

TEST_CASE("no baseline shows instructions whose results cannot be repeated") {
  for (const auto baseline : {CpuBaseline::v3, CpuBaseline::native}) {
    CHECK((shown_answer(baseline, 1, 0, rich(1, 0)).ecx >> 30 & 1) == 0);  // rdrand
    CHECK((shown_answer(baseline, 7, 0, rich(7, 0)).ebx >> 18 & 1) == 0);  // rdseed
    CHECK((shown_answer(baseline, 7, 0, rich(7, 0)).ebx >> 11 & 1) == 0);  // transactional memory
    CHECK((shown_answer(baseline, 0xd, 1, rich(0xd, 1)).eax & 0xf) == 0);  // XSAVEC
  }
}

TEST_CASE("the native processor is shown as it is, apart from that") {
  const CpuidAnswer answer{1, 2, 3, 4};
  CHECK(shown_answer(CpuBaseline::native, 0x80000001, 0, answer) == answer);
  CHECK(shown_answer(CpuBaseline::native, 4, 1, answer) == answer);
  CHECK(shown_xcr0(CpuBaseline::native, 0x602e7) == 0x602e7);
}

TEST_CASE("a level's features are shown, and none beyond it") {
  const auto v2 = shown_features(CpuBaseline::v2, rich);
  CHECK(holds(v2, "sse4_2"));
  CHECK_FALSE(holds(v2, "avx"));
  CHECK_FALSE(holds(v2, "osxsave"));
  const auto v3 = shown_features(CpuBaseline::v3, rich);
  CHECK(holds(v3, "avx2"));
  CHECK(holds(v3, "abm"));
  CHECK_FALSE(holds(v3, "avx512f"));
  CHECK_FALSE(holds(v3, "aes"));
  CHECK(holds(shown_features(CpuBaseline::v4, rich), "avx512vl"));
}

TEST_CASE("a baseline hides feature bits that nobody has given a name yet") {
  CHECK((shown_answer(CpuBaseline::v3, 7, 1, rich(7, 1)).edx) == 0);
  CHECK((shown_answer(CpuBaseline::v3, 7, 2, rich(7, 2))) == CpuidAnswer{});
  CHECK((shown_answer(CpuBaseline::v3, 0x24, 0, rich(0x24, 0))) == CpuidAnswer{});
}

TEST_CASE("a baseline shows what is no feature: model, caches, the hypervisor") {
  CHECK(shown_answer(CpuBaseline::v3, 1, 0, {0x306c3, 7, all, all}).eax == 0x306c3);
  CHECK((shown_answer(CpuBaseline::v3, 1, 0, rich(1, 0)).ecx >> 31) == 1);
  CHECK(shown_answer(CpuBaseline::v3, 4, 2, {1, 2, 3, 4}) == CpuidAnswer{1, 2, 3, 4});
}

TEST_CASE("the states that XSAVE saves are those of the baseline") {
  const CpuidAnswer host{0x2e7, 2696, 2696, 0};
  CHECK(shown_answer(CpuBaseline::v3, 0xd, 0, host) == CpuidAnswer{7, 2696, 2696, 0});
  CHECK(shown_answer(CpuBaseline::v2, 0xd, 0, host) == CpuidAnswer{});
  CHECK(shown_answer(CpuBaseline::v3, 0xd, 2, {256, 576, 0, 0}).eax == 256);
  CHECK(shown_answer(CpuBaseline::v3, 0xd, 5, {64, 1088, 0, 0}).eax == 0);
  CHECK(shown_xcr0(CpuBaseline::v3, 0x2e7) == 7);
  CHECK(shown_xcr0(CpuBaseline::v2, 0x2e7) == 3);
}

TEST_CASE("a baseline hides fsgsbase in the auxiliary vector") {
  CHECK(shown_auxiliary(CpuBaseline::v3, AT_HWCAP2, 2) == 0);
  CHECK(shown_auxiliary(CpuBaseline::native, AT_HWCAP2, 2) == 2);
  CHECK(shown_auxiliary(CpuBaseline::v2, AT_HWCAP, 0xbfebfbff) == 0xbfebfbff);
}

TEST_CASE("what was recorded on this processor can be replayed on it") {
  TraceHeader header;
  header.cpu_features = shown_features(CpuBaseline::native, this_processor);
  CHECK_FALSE(header.cpu_features.empty());
  CHECK_NOTHROW(require_features(header, this_processor));
}

TEST_CASE("a recording under a baseline can be replayed on a processor that has only that") {
  TraceHeader header;
  header.cpu_features = shown_features(CpuBaseline::v3, rich);
  CHECK_NOTHROW(require_features(header, haswell()));
}

TEST_CASE("a recording is refused where a feature is missing that the program could see") {
  TraceHeader header;
  header.cpu_baseline = "native";
  header.cpu_features = {"sse2", "avx512f", "avx2", "vaes"};
  CHECK_THROWS_WITH_AS(require_features(header, haswell()), doctest::Contains("avx512f, vaes;"), Error);
  header.cpu_features = {"avx2", "a feature of tomorrow"};
  CHECK_THROWS_WITH_AS(require_features(header, rich), doctest::Contains("a feature of tomorrow"), Error);
}

TEST_CASE("a recording that does not say what it needs is not refused") {
  CHECK_NOTHROW(require_features({}, haswell()));
}

TEST_CASE("features are summed up as a level and what is beyond it") {
  auto features = shown_features(CpuBaseline::v3, rich);
  CHECK(summarise_features(features).level == CpuBaseline::v3);
  CHECK(summarise_features(features).beyond.empty());
  features.emplace_back("aes");
  CHECK(summarise_features(features).beyond == std::vector<std::string>{"aes"});
  CHECK_FALSE(summarise_features({"avx"}).level.has_value());
}

TEST_CASE("of a differently laid out FP state, x87, SSE and AVX are taken over") {
  std::vector<std::byte> recorded(2696, std::byte{0x11});
  std::vector<std::byte> here(2440, std::byte{0x22});
  recorded[512] = std::byte{0xe7};
  here[512] = std::byte{0x80};
  const auto state = common_xstate(recorded, here);
  CHECK(state.size() == here.size());
  CHECK(state[160] == std::byte{0x11});  // XMM0
  CHECK(state[470] == std::byte{0x22});  // the kernel's own
  CHECK(state[512] == std::byte{0x87});  // the recorded of the common ones, and this machine's
  CHECK(state[831] == std::byte{0x11});  // YMM15
  CHECK(state[832] == std::byte{0x22});
}

}  // namespace
}  // namespace rec

#include "replayer/processor.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "format/base/error.h"

namespace rec {
namespace {

constexpr std::size_t legacy_end = 464;  // what follows up to 512 is the kernel's own
constexpr std::size_t states_at = 512;   // XSTATE_BV, in the header
constexpr std::size_t header_end = 576;
constexpr std::uint64_t common_states = 7;

std::string advice(const TraceHeader& header) {
  if (header.cpu_baseline != name_of(CpuBaseline::native))
    return fmt::format("; it was recorded with --cpu-baseline {}", header.cpu_baseline);
  return "; recorded with --cpu-baseline x86-64-v3 (or -v2), a program can be replayed on more processors";
}

}  // namespace

void require_features(const TraceHeader& header, const Processor& processor) {
  const std::vector<std::string> missing = missing_features(header.cpu_features, processor);
  if (missing.empty()) return;
  std::string names;
  for (const std::string& name : missing) names += (names.empty() ? "" : ", ") + name;
  fail(
      "this processor cannot replay the recording: the program could see, and may use, {} that it lacks: "
      "{}{}",
      missing.size() == 1 ? "a feature" : "features", names, advice(header));
}

std::vector<std::byte> common_xstate(const std::vector<std::byte>& recorded, std::vector<std::byte> here) {
  const std::size_t size = std::min({recorded.size(), here.size(), common_xstate_size});
  std::copy_n(recorded.begin(), std::min(size, legacy_end), here.begin());
  if (size < header_end) return here;
  std::uint64_t was = 0, is = 0;
  std::memcpy(&was, &recorded[states_at], sizeof was);
  std::memcpy(&is, &here[states_at], sizeof is);
  is = (is & ~common_states) | (was & common_states);
  std::memcpy(&here[states_at], &is, sizeof is);
  std::copy_n(recorded.begin() + header_end, size - header_end, here.begin() + header_end);
  return here;
}

}  // namespace rec

// Replaying on another processor than the one that recorded.
#pragma once

#include <cstddef>
#include <vector>

#include "format/cpu_features.h"
#include "format/trace.h"

namespace rec {

// Throws Error, naming the features that are missing, unless the processor has all that the recorded program
// could see.
void require_features(const TraceHeader& header, const Processor& processor);

// What all XSAVE areas have at the same places: x87, SSE, the header, AVX (Intel SDM, volume 1, 13.4
// and 13.5; where the rest lies differs between makers).
inline constexpr std::size_t common_xstate_size = 832;

// `here`, an XSAVE area of this machine, with those parts of the recorded one.
[[nodiscard]] std::vector<std::byte> common_xstate(const std::vector<std::byte>& recorded,
                                                   std::vector<std::byte> here);

}  // namespace rec

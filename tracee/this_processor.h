// The processor that this runs on.
#pragma once

#include <cstdint>

#include "format/cpu_features.h"

namespace rec {

// As `cpuid` answers. It leaves a virtual machine (some 20 to 70 µs, and every program that starts asks some
// forty times), so answers are remembered: they are the same at all times, but for those that name the core;
// and of those any will do.
[[nodiscard]] CpuidAnswer ask_processor(std::uint32_t leaf, std::uint32_t subleaf);

// The same, with zeros for the leaves that it does not have: a `Processor`.
[[nodiscard]] CpuidAnswer this_processor(std::uint32_t leaf, std::uint32_t subleaf);

// XCR0 (xgetbv with ECX 0), where the system uses XSAVE; else 0.
[[nodiscard]] std::uint64_t xstate_features();

}  // namespace rec

// A trace as its chunks' payloads, one after the other, each with its size in front: what `zstd -dc` makes of
// a trace file. Without compression and checksums a fuzzer gets at what they protect.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace rec::fuzz {

// The payloads of the trace's chunks.
[[nodiscard]] std::vector<std::byte> payloads_of(const std::string& trace);

// The trace that has these payloads, without an index. Empty when a payload is not one of a chunk.
[[nodiscard]] std::vector<std::byte> trace_of(std::span<const std::byte> payloads);

}  // namespace rec::fuzz

// What a trace says about itself, apart from its events.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "format/base/ids.h"

namespace rec {

// Readers refuse a trace whose `format_version` is greater than theirs and name the version they need.
inline constexpr std::uint32_t trace_format_version = 6;

struct TraceHeader {
  std::uint32_t format_version = trace_format_version;
  std::string rec_version;
  std::vector<std::string> command;  // as given to `rec record`
  std::string executable;            // what argv[0] resolved to
  std::string working_directory;
  std::uint64_t start_realtime_ns = 0;  // CLOCK_REALTIME at event time 0
  std::string kernel;                   // uname -r
  std::string machine;                  // host name
  std::string cpu_model;
  std::uint64_t xstate_features = 0;        // XCR0: which parts of the XSAVE area the recorded FP states have
  std::optional<std::uint64_t> chaos_seed;  // recorded with --chaos
  // What the program was told of the processor: "native", or the level that was asked for; "": not known.
  std::string cpu_baseline;
  // The processor's features that the program could see, by name (tracee/cpu_features.def): a replay needs
  // them.
  std::vector<std::string> cpu_features;
};

// Written by finish(); absent when the recorder was killed.
struct TraceSummary {
  std::uint64_t events = 0;
  std::uint64_t duration_ns = 0;
  std::int32_t wait_status = 0;  // of the first process (wait(2))
  std::uint32_t tasks = 0;
  std::uint32_t tracers = 1;  // threads of the recorder that traced them
};

// 128-bit xxh3 of a block's bytes.
struct BlockHash {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  auto operator<=>(const BlockHash&) const = default;
};

// File content is stored in blocks of this size; the last block of a file is shorter.
inline constexpr std::uint64_t content_block_size = 1 << 20;

// One version of a file's content. Blocks that no mapping touched need not be there.
struct Content {
  ContentId id{};
  std::string path;        // where it was found, for people
  std::uint64_t size = 0;  // the file's length in bytes
  struct Block {
    std::uint64_t index;  // covers bytes [index * content_block_size, …)
    BlockHash hash;
  };
  std::vector<Block> blocks;
};

}  // namespace rec

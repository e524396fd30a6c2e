// Names of the numbers in the structures of bpf(2) and perf_event_open(2), which stand in no argument of a
// call.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "tools/dump/text.h"

namespace rec::dump {

struct NamedNumber {
  std::string_view name;
  std::uint64_t value;
};

struct NameSet {
  enum class Kind : std::uint8_t { choice, bits };
  Kind kind;
  std::string_view unknown;  // "BPF_MAP_TYPE_???"
  std::span<const NamedNumber> names;
};

extern const NameSet bpf_map_types;
extern const NameSet bpf_prog_types;
extern const NameSet bpf_attach_types;
extern const NameSet bpf_map_flags;
extern const NameSet bpf_element_flags;
extern const NameSet bpf_prog_flags;
extern const NameSet perf_types;
extern const NameSet perf_attr_sizes;
extern const NameSet perf_hardware;
extern const NameSet perf_software;
extern const NameSet perf_caches;
extern const NameSet perf_cache_operations;
extern const NameSet perf_cache_results;
extern const NameSet perf_samples;
extern const NameSet perf_read_formats;
extern const NameSet perf_breakpoints;

// As strace has it: BPF_MAP_TYPE_HASH, PERF_SAMPLE_IP|PERF_SAMPLE_TID, 0x3c /* PERF_COUNT_HW_??? */.
void put_from(Text& out, const NameSet& set, std::uint64_t value);

}  // namespace rec::dump

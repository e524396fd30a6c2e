// How much data a call moved through descriptors.
#pragma once

#include <cstdint>

#include "format/event.h"

namespace rec::stat {

// Which calls move data, by the table: those that write from memory or copy inside the kernel say so; those
// that read return a number of bytes, put them behind a pointer and may block for them (unlike getdents or
// fgetxattr).
enum class Moves : std::uint8_t { nothing, reads, writes, copies, reads_messages, writes_messages };
[[nodiscard]] Moves moves(std::int32_t nr);

struct Transfer {
  std::uint64_t read = 0;
  std::uint64_t written = 0;
  TraceeFd from{-1};  // which descriptor was read, if any was
  TraceeFd to{-1};
};

// What `event`, a call of the kind `by`, moved. Nothing when it failed.
[[nodiscard]] Transfer transfer_of(const Event& event, Moves by);

}  // namespace rec::stat

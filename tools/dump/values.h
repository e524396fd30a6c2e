// Values that arguments and structures have in common.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "tools/dump/text.h"

namespace rec::dump {

// S_IFREG|S_ISUID|0755
void put_file_mode(Text& out, std::uint64_t mode);

// makedev(0x8, 0x1)
void put_device(Text& out, std::uint64_t device);

// The numbers of the bits that are set: [1 13].
void put_bit_numbers(Text& out, std::span<const std::byte> bits, char open, char close);

// 2026-11-21T02:49:54+0000, with as many digits of `nanoseconds` as there are (0: none); in the local time
// zone.
void put_date(Text& out, std::int64_t seconds, std::int64_t nanoseconds);

// Clock ticks, and what they are in seconds: 10 /* 0.10 s */.
void put_ticks(Text& out, std::int64_t ticks);

}  // namespace rec::dump

// The data of calls in hexadecimal (-e read=, -e write=).
#pragma once

#include <cstddef>
#include <span>

#include "tools/dump/call.h"

namespace rec::dump {

// Lines of 16 bytes: offset, hexadecimal, text.
void put_hex_lines(Text& out, std::span<const std::byte> bytes);

// After a call's line: the data that it read from or wrote to a descriptor that the options name. What the
// recorder cut off is told.
void put_call_data(const Writer& writer, const Call& call);

}  // namespace rec::dump

// Failed calls as strace writes them: -1 ENOENT (No such file or directory).
#pragma once

#include <cstdint>

#include "tools/dump/text.h"

namespace rec::dump {

// Results in [-4095, -1] are errors, whatever the call (asm/unistd.h's convention); some beyond are the
// kernel's own.
[[nodiscard]] constexpr bool is_error(std::int64_t result) { return result < 0 && result >= -4095; }

// The result of a failed call. Restart codes, which the program does not get to see, are marked by "?".
void put_error(Text& out, std::int64_t result);

// EINTR, or the bare number.
void put_errno(Text& out, std::int64_t errno_value);

}  // namespace rec::dump

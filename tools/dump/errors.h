// Failed calls as strace writes them: -1 ENOENT (No such file or directory).
#pragma once

#include <cstdint>

#include "format/registers.h"
#include "tools/dump/text.h"

namespace rec::dump {

using rec::is_error;

// The result of a failed call. Restart codes, which the program does not get to see, are marked by "?".
void put_error(Text& out, std::int64_t result);

// EINTR, or the bare number.
void put_errno(Text& out, std::int64_t errno_value);

}  // namespace rec::dump

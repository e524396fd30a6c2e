// Names of calls and of what they failed with, for all tools that count them.
#pragma once

#include <cstdint>
#include <string>

namespace rec {

// `read`; `syscall_0x1ff`, as strace has it, for a number that the table does not know.
[[nodiscard]] std::string call_name(std::int32_t nr);

// ENOENT for 2; ERESTARTSYS for 512, which programs do not get to see; the number where there is no name.
[[nodiscard]] std::string error_name(std::int32_t error);

}  // namespace rec

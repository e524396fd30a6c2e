// A trace with every kind of event in an order that a replay gets through, on the fake kernel of
// fake_kernel.h.
#pragma once

#include <string>

namespace rec::fuzz {

void write_program_trace(const std::string& path);

}  // namespace rec::fuzz

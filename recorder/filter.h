// The seccomp program that a recorded program runs under.
#pragma once

#include <linux/filter.h>

#include <vector>

namespace rec {

// What the recorder finds as the event message of a seccomp stop (SECCOMP_RET_DATA).
enum class FilterMark : unsigned {
  call = 0,         // an x86-64 call
  foreign_abi = 1,  // int $0x80, or the x32 numbers: rec does not record those
};

// Calls from rec's own `syscall` instruction pass, all others stop with FilterMark. libseccomp generates all
// but the test of the instruction pointer, which it has no notion of.
[[nodiscard]] std::vector<sock_filter> make_filter();

}  // namespace rec

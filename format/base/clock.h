// The clock that all times of rec come from.
#pragma once

#include <cstdint>

namespace rec {

// CLOCK_MONOTONIC in ns, by a real system call: a thread that shares the time-stamp trap of its tracees
// (tracee/time_stamp_trap.h) must not run the vDSO, which reads the time-stamp counter.
std::uint64_t monotonic_ns();

}  // namespace rec

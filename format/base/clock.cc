#include "format/base/clock.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>

namespace rec {

std::uint64_t monotonic_ns() {
  timespec now{};
  (void)::syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace rec

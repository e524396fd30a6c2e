// CPUID faulting: some processors can make cpuid fault in user mode (arch_prctl(2), ARCH_SET_CPUID with 0;
// with 1 it does not). The setting is a thread's; it is inherited by fork and clone, and execve(2) ends it.
#pragma once

namespace rec {

// Whether this processor and kernel can.
[[nodiscard]] bool cpuid_can_fault();

}  // namespace rec

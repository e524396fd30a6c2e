// CPUID faulting: some processors can make cpuid fault in user mode (arch_prctl(2), ARCH_SET_CPUID). The
// setting is a thread's; it is inherited by fork and clone, and execve(2) ends it.
#pragma once

namespace rec {

// asm/prctl.h
inline constexpr unsigned long arch_get_cpuid = 0x1011;
inline constexpr unsigned long arch_set_cpuid = 0x1012;  // 0: cpuid faults; 1: it does not

// Whether this processor and kernel can.
[[nodiscard]] bool cpuid_can_fault();

}  // namespace rec

// The kernel's vDSO: where its functions are.
#pragma once

#include <cstdint>
#include <string_view>

namespace rec {

// How far behind the vDSO's start `name` (such as __vdso_clock_gettime) begins: the same in all 64-bit
// processes of this kernel. 0: this kernel has no such function, or the process no vDSO.
[[nodiscard]] std::uint64_t vdso_function(std::string_view name);

}  // namespace rec

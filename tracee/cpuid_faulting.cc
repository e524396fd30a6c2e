#include "tracee/cpuid_faulting.h"

#include <asm/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace rec {

bool cpuid_can_fault() {
  // To allow what is allowed changes nothing; the kernel answers ENODEV where the processor has no such
  // switch (arch/x86/kernel/process.c, set_cpuid_mode).
  return ::syscall(SYS_arch_prctl, ARCH_SET_CPUID, 1) == 0;
}

}  // namespace rec

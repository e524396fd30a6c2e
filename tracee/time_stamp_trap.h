// The tracer's own share of PR_SET_TSC.
//
// Tracees run with the time-stamp counter trapped, which is bit TSD of CR4; the kernel rewrites CR4 at every
// switch between a task that has it and one that has not (__switch_to_xtra in arch/x86/kernel/process.c). In
// a virtual machine a write to CR4 leaves the guest: some 4 µs each, four of them for every traced system
// call, which is half of its cost. A tracer thread that has the counter trapped as well is switched to for
// free.
#pragma once

namespace rec {

// While it exists, the calling thread must not read the time-stamp counter, so not call clock_gettime(2)
// through the vDSO (std::chrono, clock_gettime of libc): SIGSEGV. Times come from monotonic_ns(). Other
// threads of rec are not affected. Where the kernel refuses, nothing changes but the speed.
class TimeStampTrap {
 public:
  TimeStampTrap();
  ~TimeStampTrap();
  TimeStampTrap(const TimeStampTrap&) = delete;
  TimeStampTrap& operator=(const TimeStampTrap&) = delete;

 private:
  int before_ = 0;  // PR_TSC_ENABLE or PR_TSC_SIGSEGV; 0: unknown, left as it is
};

// While it exists, the calling thread may read the time-stamp counter again.
class TimeStampsAllowed {
 public:
  TimeStampsAllowed();
  ~TimeStampsAllowed();
  TimeStampsAllowed(const TimeStampsAllowed&) = delete;
  TimeStampsAllowed& operator=(const TimeStampsAllowed&) = delete;

 private:
  bool trapped_ = false;
};

}  // namespace rec

#include "tracee/time_stamp_trap.h"

#include <sys/prctl.h>

namespace rec {

TimeStampTrap::TimeStampTrap() {
  if (::prctl(PR_GET_TSC, &before_) != 0) before_ = 0;
  if (before_ != 0 && ::prctl(PR_SET_TSC, PR_TSC_SIGSEGV) != 0) before_ = 0;
}

TimeStampTrap::~TimeStampTrap() {
  if (before_ != 0) (void)::prctl(PR_SET_TSC, before_);
}

TimeStampsAllowed::TimeStampsAllowed() {
  int state = 0;
  trapped_ = ::prctl(PR_GET_TSC, &state) == 0 && state == PR_TSC_SIGSEGV;
  if (trapped_) (void)::prctl(PR_SET_TSC, PR_TSC_ENABLE);
}

TimeStampsAllowed::~TimeStampsAllowed() {
  if (trapped_) (void)::prctl(PR_SET_TSC, PR_TSC_SIGSEGV);
}

}  // namespace rec

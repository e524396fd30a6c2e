#include "tracee/one_processor.h"

namespace rec {

OneProcessor::OneProcessor() {
  if (::sched_getaffinity(0, sizeof before_, &before_) != 0) return;
  const int here = ::sched_getcpu();
  if (here < 0 || here >= CPU_SETSIZE) return;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<unsigned>(here), &one);
  is_set_ = ::sched_setaffinity(0, sizeof one, &one) == 0;
}

OneProcessor::~OneProcessor() {
  if (is_set_) (void)::sched_setaffinity(0, sizeof before_, &before_);
}

}  // namespace rec

// Tracer and tracees on one processor, for a tracer that has at most one tracee running at a time: changing
// over then costs a context switch (some 5 µs) instead of waking another core (some 40 µs on an idle
// machine).
#pragma once

#include <sched.h>

namespace rec {

// While it exists, the calling thread, and every task it forks meanwhile, stays on the processor that it is
// on now. Where that cannot be had (more processors than cpu_set_t counts, a refusal), only speed is lost.
class OneProcessor {
 public:
  OneProcessor();
  ~OneProcessor();
  OneProcessor(const OneProcessor&) = delete;
  OneProcessor& operator=(const OneProcessor&) = delete;

 private:
  cpu_set_t before_{};
  bool is_set_ = false;
};

}  // namespace rec

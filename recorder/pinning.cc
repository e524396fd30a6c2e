#include "recorder/pinning.h"

namespace rec {
namespace {

// Pinning costs a call for each task: not for a program that is about to fork again.
constexpr std::uint32_t stops_before_pinning = 64;

}  // namespace

// A machine with more processors than cpu_set_t counts (1024) is left alone.
Pinning::Pinning() {
  allowed_ = ::sched_getaffinity(0, sizeof original_, &original_) == 0 && CPU_COUNT(&original_) > 1;
}

void Pinning::set_all(const std::vector<Tid>& tasks, const cpu_set_t& set) const {
  // A task that is gone, or a processor that was just taken from us, is no reason to stop recording: it only
  // costs time.
  ::sched_setaffinity(0, sizeof set, &set);
  for (const Tid tid : tasks) ::sched_setaffinity(tid.value(), sizeof set, &set);
}

bool Pinning::wants_to_pin(bool one_domain) {
  if (!one_domain) {
    stops_in_one_domain_ = 0;
    return false;
  }
  return allowed_ && !pinned_ && ++stops_in_one_domain_ > stops_before_pinning;
}

void Pinning::pin(const std::vector<Tid>& tasks) {
  const int here = ::sched_getcpu();
  if (here < 0) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(here), &set);
  set_all(tasks, set);
  as_the_tracees_.emplace();
  pinned_ = true;
}

void Pinning::unpin(const std::vector<Tid>& tasks) {
  if (!pinned_) return;
  set_all(tasks, original_);
  as_the_tracees_.reset();
  pinned_ = false;
  stops_in_one_domain_ = 0;
}

void Pinning::give_up(const std::vector<Tid>& tasks) {
  unpin(tasks);
  allowed_ = false;
}

}  // namespace rec

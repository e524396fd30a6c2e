#include "recorder/pinning.h"

namespace rec {
namespace {

// How much one look changes the share: after one that counts anew, pinned after 7 looks without a parallel
// one at the earliest.
constexpr double weight_of_a_look = 0.3;

}  // namespace

Pinning::Pinning(const cpu_set_t& original) : original_(original), allowed_(CPU_COUNT(&original) > 1) {}

void Pinning::set_all(const std::vector<Tid>& tasks, const cpu_set_t& set) const {
  // A task that is gone, or a processor that was just taken from us, is no reason to stop recording: it only
  // costs time.
  ::sched_setaffinity(0, sizeof set, &set);
  for (const Tid tid : tasks) ::sched_setaffinity(tid.value(), sizeof set, &set);
}

void Pinning::look(bool parallel) {
  parallel_share_ += weight_of_a_look * ((parallel ? 1 : 0) - parallel_share_);
}

void Pinning::look_at_counter(bool traps) {
  constexpr double weight_of_a_stop = 0.1;
  trap_share_ += weight_of_a_stop * ((traps ? 1 : 0) - trap_share_);
  if (pinned_) follow_counter();
}

// Changing over takes as long as a few switches between tasks of which only one has it trapped.
void Pinning::follow_counter() {
  constexpr double most = 0.7, few = 0.3;
  if (!as_the_tracees_ && trap_share_ > most) as_the_tracees_.emplace();
  if (as_the_tracees_ && trap_share_ < few) as_the_tracees_.reset();
}

void Pinning::choose_processor(const cpu_set_t& taken) {
  const int here = ::sched_getcpu();
  if (here < 0) return;
  auto chosen = static_cast<unsigned>(here);
  for (unsigned i = 0; i < CPU_SETSIZE && CPU_ISSET(chosen, &taken); ++i) {
    if (CPU_ISSET(i, &original_) && !CPU_ISSET(i, &taken)) chosen = i;
  }
  CPU_ZERO(&one_);
  CPU_SET(chosen, &one_);
  pinned_ = was_pinned_ = true;
}

void Pinning::pin(const std::vector<Tid>& tasks) {
  if (!pinned_) return;
  set_all(tasks, one_);
  follow_counter();
}

void Pinning::unpin(const std::vector<Tid>& tasks) {
  if (!pinned_) return;
  set_all(tasks, original_);
  as_the_tracees_.reset();
  pinned_ = false;
  parallel_share_ = 1;
}

void Pinning::adopt(Tid task) const {
  if (!was_pinned_ || !allowed_) return;
  // Mostly it has inherited what it shall have; to ask takes a tenth of what telling does.
  cpu_set_t now{};
  const bool has_it =
      ::sched_getaffinity(task.value(), sizeof now, &now) == 0 && CPU_EQUAL(&now, &wanted()) != 0;
  if (!has_it) take(task);
}

void Pinning::take(Tid task) const {
  if (allowed_) ::sched_setaffinity(task.value(), sizeof(cpu_set_t), &wanted());
}

void Pinning::add_to(cpu_set_t* set) const {
  if (pinned_) CPU_OR(set, set, &one_);
}

void Pinning::give_up(const std::vector<Tid>& tasks) {
  unpin(tasks);
  allowed_ = false;
}

}  // namespace rec

// When a task that computes is interrupted: for a signal that waits for it, and for other tasks of its
// domain.
//
// A slice after it went to user code (or after its turn began) is when. Before that only a task that provably
// spins loses its turn: one whose registers are the same at successive looks waits for what another task has
// to do.
#include <sched.h>
#include <sys/time.h>

#include <algorithm>
#include <utility>

#include "format/base/error.h"
#include "recorder/session.h"
#include "tracee/memory_hash.h"
#include "tracee/task_state.h"

namespace rec {
namespace {

// Period of the timer that looks after calls that block although the table does not say so, and after tasks
// that compute.
constexpr std::uint64_t period_ns = 5'000'000;
// The same while tasks spin: how soon the next one is found out decides how fast a program runs that hands on
// by spinning.
constexpr std::uint64_t short_period_ns = 1'000'000;
constexpr std::uint64_t spinning_lasts_ns = 200'000'000;
// Points are taken so rarely that they cost no more than one part in this many.
constexpr std::uint64_t points_share = 20;

}  // namespace

bool Session::turn_is_over(const Task& task) const {
  return now_ns() - task.domain().turn_since_ns >= slice_of(task);
}

std::uint64_t Session::slice_of(const Task& task) const {
  if (chaos_) return task.domain().slice_ns;
  return std::max(options_.slice_ns, points_share * task.process->point_cost_ns);
}

bool Session::finished_turn(const Task& task) {
  const bool yields = task.call.entry != nullptr && task.call.entry->yields;
  return yields || turn_is_over(task) || (chaos_ && chaos_->ends_turn(now_ns()));
}

bool Session::needs_timer() const {
  if (agents_.any()) return true;
  for (const auto& weak : domains_) {
    const auto domain = weak.lock();
    if (domain && domain->turn != nullptr && (!domain->waiting.empty() || !domain->turn->held.empty()))
      return true;
  }
  return false;
}

void Session::set_timer(std::uint64_t period) {
  last_timer_ns_ = now_ns();
  timer_period_ns_ = period;
  const timeval every{0, static_cast<suseconds_t>(period / 1000)};
  const itimerval setting{every, every};
  if (::setitimer(ITIMER_REAL, &setting, nullptr) != 0) fail_with_errno("setitimer");
}

void Session::update_timer() {
  std::uint64_t period = 0;
  if (needs_timer()) {
    const bool spinning = last_spinning_ns_ != 0 && now_ns() - last_spinning_ns_ < spinning_lasts_ns;
    period = std::min(spinning ? short_period_ns : period_ns, options_.slice_ns);
    if (chaos_) period = Chaos::timer_period_ns;
  }
  if (period != timer_period_ns_) set_timer(period);
}

void Session::on_timer() {
  last_timer_ns_ = now_ns();
  agents_.drain();
  for (const auto& weak : std::vector(domains_)) {
    const auto domain = weak.lock();
    if (domain && domain->turn != nullptr) look_after(*domain->turn);
  }
}

void Session::look_after(Task& task) {
  Domain& domain = task.domain();
  if (task.position == Task::Position::call && !domain.waiting.empty()) {
    // One that ends keeps its turn until the kernel has cleared its words.
    if ((task.call.flags & event_no_result) != 0) return;
    // A call that was not expected to block, and does. One that has no processor, or waits for a disk, keeps
    // the turn: what it writes to memory belongs before what others do.
    const bool is_long = now_ns() - task.call.enter_ns > 2 * period_ns;
    if (is_long && task_state(task.tid) == 'S') release_turn(task);
    return;
  }
  if (task.position != Task::Position::user || task.interrupting) return;
  if (task.traced && task.traced->until == Tracing::Until::instruction) return;  // it is about to stop
  if (task.held.empty() && domain.waiting.empty()) return;
  const bool stuck = task.slot != 0 && look_after_agent(task);
  const bool due = now_ns() - task.left_ns >= slice_of(task);
  if (domain.waiting.empty() && !due && !stuck) return;
  task.interrupting = true;
  Running(task.tid).interrupt();
}

// True if it sits in a call that nobody expected to block: it is to be made the traced way.
bool Session::look_after_agent(Task& task) {
  const std::uint32_t calls = Agents::calls_made(task);
  const bool goes_on = calls != task.calls_looked_at;
  task.calls_looked_at = calls;
  if (turn_is_over(task) || !task.held.empty()) Agents::ask_to_stop(task);
  // A call is made without a stop, but it ends what was computed before it.
  if (goes_on) task.left_ns = now_ns();
  return !goes_on && Agents::is_in_call(task);
}

// Chaos: then it loses its turn, if anyone wants that.
void Session::run_some_instructions(Tid tid, std::uint32_t instructions) {
  // The calls of others may have returned already: rec hears of it one by one.
  bool none_left = false;
  Task* task = find(tid);
  for (int looks = 0; looks < 8 && task != nullptr && task->domain().waiting.empty(); ++looks) {
    ::sched_yield();
    if (const auto result = wait_any(WaitMode::poll, &none_left)) dispatch(*result);
    task = find(tid);
  }
  // One of them was its end, perhaps; or its domain became part of another, where it joins the order of turns
  // at the end of its next call.
  if (task == nullptr || task->position != Task::Position::user) return;
  if (task->domain().turn != task || task->domain().waiting.empty()) {
    go_on(*task);
    return;
  }
  const std::uint64_t started = now_ns();
  if (!take_point(*this, *task, instructions)) return;
  chaos_->interrupted(*task, now_ns() - started);
  leave_point_taken(*task, false);
}

// A signal comes first, also one that is not due yet, or that came while the point was taken: what others
// spin for may be done by its handler, and until the task had its turn again they would all spin once more.
void Session::leave_point_taken(Task& task, bool spins) {
  if (has_deliverable_signal(task)) {
    send_held_signal(*this, task);
  } else {
    task.spun = spins;
    preempt(task);
  }
}

void Session::on_interrupted(Task& task) {
  if (stands_where_left(task) && Stopped(task.tid).has_pending_signal()) {
    go_on(task);  // one that rec has sent it to this very place, perhaps
    return;
  }
  const Domain& domain = task.domain();
  if (task.instructions_left != 0) {
    run_some_instructions(task.tid, std::exchange(task.instructions_left, 0));
    return;
  }
  const bool others_wait = domain.turn == &task && !domain.waiting.empty();
  const bool spins = others_wait && is_spinning(task);
  if (spins) last_spinning_ns_ = now_ns();
  const bool due = now_ns() - task.left_ns >= slice_of(task);
  const bool for_signal = due && has_deliverable_signal(task);
  const bool for_others = others_wait && (spins || (due && turn_is_over(task)));
  const bool wanted = for_signal || for_others;
  if (!wanted || (!chaos_ && learns_what_changes(task))) {
    go_on(task);
  } else if (take_point(*this, task)) {
    leave_point_taken(task, spins);
  }
}

// A loop may count where neither its registers nor its code point (a counter shared with a parent): replay
// can tell its passes apart only by a page that is known to change. Before a process's first point nothing is
// known yet: its pages are looked at now, and the point is taken when the timer comes again. True: that is
// so.
bool Session::learns_what_changes(Task& task) {
  constexpr int most_looks = 5;
  Process& process = *task.process;
  if (process.looks_at_changes == most_looks) return false;
  std::vector<PageHash> now = hash_memory(task.tid, own_ranges(process)).pages;
  const bool changed = !process.pages_at_last_point.empty() && now != process.pages_at_last_point;
  // It may not have run at all since the last look.
  process.looks_at_changes = changed ? most_looks : process.looks_at_changes + 1;
  if (!changed) process.pages_at_last_point = std::move(now);
  return !changed;
}

// Precondition: it stands at a point.
void Session::preempt(Task& task) {
  Domain& domain = task.domain();
  task.position = Task::Position::preempted;
  domain.turn = nullptr;
  domain.waiting.push_back(&task);
  give_turn(domain);
}

std::vector<MemoryRange> Session::own_ranges(const Process& process) const {
  std::vector<MemoryRange> ranges;
  const auto add = [&](const Scratch& scratch) {
    ranges.push_back({scratch.start, scratch.start + Scratch::size});
  };
  for (const auto& [id, context] : process.aio->contexts) ranges.push_back(context.ring);
  std::set<const Process*> seen;
  for (const auto& [tid, task] : tasks_) {
    if (task->process->code != process.code) continue;  // another address space
    if (task->scratch) add(*task->scratch);
    if (!seen.insert(task->process.get()).second) continue;
    for (const Scratch& unused : task->process->unused_scratch) add(unused);
  }
  return ranges;
}

}  // namespace rec

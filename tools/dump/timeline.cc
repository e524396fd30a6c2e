#include "tools/dump/timeline.h"

#include <algorithm>

#include "format/base/error.h"

namespace rec::dump {
namespace {

constexpr std::size_t most_events_ahead = 1 << 14;
constexpr std::size_t most_bytes_ahead = std::size_t{32} << 20;
constexpr std::size_t most_spare = most_events_ahead;
constexpr std::size_t largest_spare = 1 << 10;  // bytes of data

bool is_call(const Event& event) { return event.kind == EventKind::call || event.kind == EventKind::exec; }

// The task is inside a call all the time; its place in the task's order says nothing.
bool is_within_call(const Event& event) {
  return event.kind == EventKind::memory || event.kind == EventKind::agent || event.kind == EventKind::traced;
}

}  // namespace

Timeline::Timeline(TraceReader& reader, std::string path) : reader_(reader), path_(std::move(path)) {}
Timeline::~Timeline() = default;

std::optional<Timeline::Step> Timeline::next() {
  if (current_ && spare_.size() < most_spare && current_->data_size() <= largest_spare)
    spare_.push_back(std::move(current_));
  fill();
  if (ahead_.empty()) {
    const Event* event = read();
    if (event == nullptr && problem_) std::rethrow_exception(std::exchange(problem_, nullptr));
    if (event == nullptr) return std::nullopt;
    note_alive(*event);
    return Step{event, false};
  }
  look_beyond();
  const KeptEvent& front = *ahead_.front();
  const std::uint64_t now = std::max(front.event().enter_ns, front.event().leave_ns);
  while (!beginnings_.empty() && beginnings_.begin()->first <= now) {
    const Tid task = beginnings_.begin()->second;
    beginnings_.erase(beginnings_.begin());
    Head& head = heads_.at(task);
    head.is_begun = true;
    // Nothing comes between a call's beginning and its end: one step for both.
    const bool is_whole = head.kept == &front && (beginnings_.empty() || beginnings_.begin()->first > now);
    if (!is_whole) return Step{&head.kept->event(), true};
  }
  return take_front();
}

// Several tasks exist, or the only one left is in a call that others may have lines within.
bool Timeline::needs_more() const {
  if (at_end_ || ahead_.size() >= most_events_ahead || bytes_ahead_ >= most_bytes_ahead) return false;
  if (read_tasks_.size() > 1) return true;
  return !ahead_.empty() && std::any_of(read_tasks_.begin(), read_tasks_.end(),
                                        [this](Tid task) { return !heads_.contains(task); });
}

void Timeline::fill() {
  // In portions: a full store of events would have to be topped up at every step.
  if (ahead_.size() > most_events_ahead / 2 || bytes_ahead_ > most_bytes_ahead / 2) return;
  while (needs_more()) {
    const Event* event = read();
    if (event == nullptr) return;
    keep(*event);
  }
}

const Event* Timeline::read() {
  if (at_end_) return nullptr;
  const Event* event = nullptr;
  try {
    event = reader_.next();
  } catch (const Error&) {
    problem_ = std::current_exception();
  }
  if (event == nullptr) {
    at_end_ = true;
    return nullptr;
  }
  if (event->kind == EventKind::exit) {
    read_tasks_.erase(event->tid);
  } else if (event->kind != EventKind::note && event->kind != EventKind::merge) {
    read_tasks_.insert(event->tid);
  }
  if (event->kind == EventKind::exec && event->extra != nullptr && event->extra->former_tid != event->tid)
    read_tasks_.erase(event->extra->former_tid);
  return event;
}

std::unique_ptr<KeptEvent> Timeline::copy(const Event& event) {
  std::unique_ptr<KeptEvent> kept;
  if (spare_.empty()) {
    kept = std::make_unique<KeptEvent>();
  } else {
    kept = std::move(spare_.back());
    spare_.pop_back();
  }
  kept->assign(event);
  return kept;
}

void Timeline::keep(const Event& event) {
  std::unique_ptr<KeptEvent> kept = copy(event);
  bytes_ahead_ += kept->data_size();
  const auto head = heads_.find(event.tid);
  if (is_within_call(event)) {
    // Belongs to no place in the task's order.
  } else if (head == heads_.end()) {
    set_head(event.tid, kept.get());
  } else if (head->second.beyond && head->second.kept->event().number == event.number) {
    head->second.kept = kept.get();
    head->second.beyond.reset();
  } else {
    queues_[event.tid].push_back(kept.get());
  }
  ahead_.push_back(std::move(kept));
}

void Timeline::set_head(Tid task, KeptEvent* kept) {
  Head& head = heads_[task];
  head.kept = kept;
  head.is_begun = false;
  // A task that does not exist yet begins nothing, whatever the clocks of two processors say.
  if (live_.contains(task)) offer(task, head);
}

void Timeline::offer(Tid task, const Head& head) {
  if (!head.is_begun && is_call(head.kept->event())) beginnings_.emplace(head.kept->event().enter_ns, task);
}

// Looks for the next events of tasks that have none among those ahead.
void Timeline::look_beyond() {
  if (headless_.empty() || needs_more()) return;
  for (const Tid task : std::exchange(headless_, {})) {
    if (at_end_ || heads_.contains(task) || !live_.contains(task)) continue;
    std::unique_ptr<KeptEvent> kept = find_beyond(task);
    if (!kept) continue;
    Head& head = heads_[task];
    head.beyond = std::move(kept);
    head.kept = head.beyond.get();
    offer(task, head);
  }
}

std::unique_ptr<KeptEvent> Timeline::find_beyond(Tid task) {
  try {
    if (!far_reader_) far_reader_ = std::make_unique<TraceReader>(path_);
    EventNumber from(ahead_.back()->event().number.value() + 1);
    while (const auto chunk = far_reader_->chunk_with(task, from)) {
      far_reader_->seek(std::max(from, chunk->first));
      from = chunk->end;
      while (const Event* event = far_reader_->next()) {
        if (event->tid == task && !is_within_call(*event)) return copy(*event);
        if (event->number.value() + 1 == from.value()) break;
      }
    }
  } catch (const Error&) {
    // Damage further behind: it is reported when the steps come to it. Until then the call has no beginning.
    return nullptr;
  }
  return nullptr;
}

void Timeline::note_alive(const Event& event) {
  if (event.kind == EventKind::exit) {
    live_.erase(event.tid);
    return;
  }
  if (event.kind == EventKind::note || event.kind == EventKind::merge) return;
  if (!live_.insert(event.tid).second) return;
  const auto head = heads_.find(event.tid);
  if (head != heads_.end()) {
    offer(event.tid, head->second);
  } else {
    headless_.push_back(event.tid);
  }
}

Timeline::Step Timeline::take_front() {
  current_ = std::move(ahead_.front());
  ahead_.pop_front();
  bytes_ahead_ -= current_->data_size();
  const Tid task = current_->event().tid;
  const auto head = heads_.find(task);
  if (head != heads_.end() && head->second.kept == current_.get()) {
    beginnings_.erase({current_->event().enter_ns, task});
    heads_.erase(head);
    const auto queue = queues_.find(task);
    if (queue != queues_.end() && !queue->second.empty()) {
      KeptEvent* following = queue->second.front();
      queue->second.pop_front();
      set_head(task, following);
    } else if (queue != queues_.end()) {
      queues_.erase(queue);
    }
  }
  note_alive(current_->event());
  if (!heads_.contains(task) && current_->event().kind != EventKind::exit) headless_.push_back(task);
  return {&current_->event(), false};
}

}  // namespace rec::dump

#include "tools/diff/align.h"

#include <fmt/format.h>
#include <sys/syscall.h>

#include <algorithm>
#include <utility>

#include "format/base/error.h"
#include "format/syscalls/table.h"
#include "tools/display.h"
#include "tools/dump/errors.h"
#include "tools/event_line.h"
#include "tools/process_tree.h"

namespace rec::diff {
namespace {

// How far a task's events are looked through for where the recordings come together again.
constexpr std::size_t look_ahead = 256;
// So many events in a row must agree there.
constexpr std::size_t agreeing = 3;

bool is_call(const Event& event) { return event.kind == EventKind::call || event.kind == EventKind::exec; }

// See Options::calls. What fails is worth a look.
bool says_little(const Event& event) {
  const syscalls::Syscall* call = syscalls::find(event.nr);
  if (call == nullptr || event.kind == EventKind::exec) return false;
  if (event.nr == SYS_futex || event.nr == SYS_restart_syscall || call->yields) return true;
  if (dump::is_error(event.result)) return false;
  if (syscalls::has_class(call->classes, syscalls::Class::clock)) return true;
  if (call->subsystem != syscalls::Subsystem::memory) return false;
  for (std::size_t i = 0; i < call->arg_count; ++i) {
    if (call->args[i].type == syscalls::Type::fd) return static_cast<std::int32_t>(event.args[i]) < 0;
  }
  return true;
}

// Data goes through it: what it gives is what the program lives on.
bool moves_data(const syscalls::Syscall& call) {
  return std::ranges::any_of(call.arguments(), [](const syscalls::Arg& arg) {
    return arg.type == syscalls::Type::bytes || arg.shape == syscalls::Shape::iovec ||
           arg.shape == syscalls::Shape::msghdr || arg.shape == syscalls::Shape::mmsghdr;
  });
}

// What says something else whenever one asks.
bool is_volatile_path(const std::string& path) {
  return path.starts_with("/proc/") || path.starts_with("/sys/") || path == "/dev/urandom" ||
         path == "/dev/random";
}

}  // namespace

Alignment::Side::Side(const Recording& of, bool is_first)
    : reader(of.reader), path(of.path), is_a(is_first), numbering{}, descriptors(of.reader.header()) {
  numbering.start_realtime_ns = reader.header().start_realtime_ns;
}

Alignment::Alignment(const Recording& a, const Recording& b, const Options& options)
    : options_(options), a_(a, true), b_(b, false), comparer_(a_.numbering, b_.numbering) {}
Alignment::~Alignment() = default;

std::vector<Hunk> Alignment::run() {
  while (!is_settled()) {
    if (a_.at_end && b_.at_end) break;
    // The side that is ahead waits for the other.
    const bool takes_a = !a_.at_end && (b_.at_end || a_.waiting <= b_.waiting);
    read(takes_a ? a_ : b_);
  }
  finish_streams();
  std::stable_sort(hunks_.begin(), hunks_.end(),
                   [](const auto& one, const auto& other) { return one.first < other.first; });
  if (!options_.all && hunks_.size() > 1) hunks_.resize(1);
  std::vector<Hunk> hunks;
  for (auto& [position, hunk] : hunks_) hunks.push_back(std::move(hunk));
  return hunks;
}

void Alignment::read(Side& side) {
  const Event* event = nullptr;
  try {
    event = side.reader.next();
  } catch (const Error& error) {
    side.problem = error.what();
  }
  if (event != nullptr) return take(side, *event);
  side.at_end = true;
  if (!side.problem && !side.reader.summary())
    side.problem = fmt::format("{}: {}", side.path, side.reader.why_incomplete());
  // Streams that waited for more of this side can go on.
  for (auto& [key, stream] : streams_) advance(stream);
}

void Alignment::on_start(Side& side, const Event& event) {
  if (event.extra == nullptr) return;
  const auto parent = side.alive.find(event.extra->parent);
  const bool has_parent = parent != side.alive.end();
  // Tasks without a parent in the trace: its first, and no other in a sound one.
  const Place of = has_parent ? parent->second : UINT32_MAX;
  const std::uint32_t ordinal = ++side.children[of];
  const std::uint64_t key = std::uint64_t{of} << 32 | ordinal;
  const auto [found, is_new] = place_of_.emplace(key, static_cast<Place>(tasks_.size()));
  if (is_new) {
    tasks_.push_back({.parent = has_parent ? std::optional(of) : std::nullopt,
                      .ordinal = ordinal,
                      .a = {},
                      .b = {},
                      .command = has_parent ? tasks_[of].command : std::string()});
  }
  const Place place = found->second;
  (side.is_a ? tasks_[place].a : tasks_[place].b) = event.tid;
  side.alive[event.tid] = place;
  side.numbering.places[event.tid.value()] = place;
}

void Alignment::on_exec(Side& side, const Event& event) {
  if (event.extra != nullptr && event.extra->former_tid != Tid{} && event.extra->former_tid != event.tid) {
    // The thread goes on under its process's number.
    const auto former = side.alive.extract(event.extra->former_tid);
    if (!former.empty()) side.alive[event.tid] = former.mapped();
  }
  const auto task = side.alive.find(event.tid);
  if (task != side.alive.end() && event.result == 0)
    tasks_[task->second].command = shell_quoted(argument_strings(event));
}

bool Alignment::is_compared(const Event& event) const {
  switch (event.kind) {
    case EventKind::call:
    case EventKind::exec:
      return options_.calls ? options_.calls->shows(event.nr) : !says_little(event);
    case EventKind::signal:
    case EventKind::exit:
      return true;
    case EventKind::start:
    case EventKind::begin:
    case EventKind::trap:
    case EventKind::stop:
    case EventKind::merge:
    case EventKind::note:
    case EventKind::memory:
    case EventKind::agent:
    case EventKind::point:
    case EventKind::traced:
      return false;
  }
  return false;
}

bool Alignment::is_volatile_source(const Side& side, const Event& event) {
  const syscalls::Syscall* call = is_call(event) ? syscalls::find(event.nr) : nullptr;
  if (call == nullptr || call->arg_count == 0) return false;
  if (call->args[0].type != syscalls::Type::fd && call->args[0].type != syscalls::Type::dirfd) return false;
  const auto fd = static_cast<std::int32_t>(event.args[0]);
  const std::string* name = side.descriptors.name_of(event.tid, TraceeFd(fd));
  if (name != nullptr) return is_volatile_path(*name);
  // Standard input and output as whoever recorded had them: a terminal, a file of any size.
  return fd >= 0 && fd <= 2 && !moves_data(*call);
}

void Alignment::take(Side& side, const Event& event) {
  side.position = event.number.value();
  if (event.kind == EventKind::start) on_start(side, event);
  if (event.kind == EventKind::exec) on_exec(side, event);
  const auto task = side.alive.find(event.tid);
  if (task != side.alive.end() && is_compared(event)) {
    const bool is_signal = event.kind == EventKind::signal;
    Stream& stream = streams_[std::uint64_t{task->second} << 1 | (is_signal ? 1 : 0)];
    stream.place = task->second;
    // Behind the first place where they part nothing is asked for.
    if (!stream.is_done && (options_.all || !side.is_a || event.number.value() <= first_parting_)) {
      auto item = std::make_unique<Item>(event);
      item->is_volatile_source = is_volatile_source(side, event);
      (side.is_a ? stream.a : stream.b).push_back(std::move(item));
      ++side.waiting;
      advance(stream);
    }
  }
  side.descriptors.add(event);
  if (event.kind == EventKind::exit) side.alive.erase(event.tid);
}

void Alignment::advance(Stream& stream) {
  while (!stream.is_done && !stream.a.empty() && !stream.b.empty()) {
    if (comparer_.compare(*stream.a.front(), *stream.b.front(), Names::Learning::pairs)) {
      if (!knows_enough(stream)) return;
      part(stream);
    } else {
      pass(stream);
    }
  }
}

void Alignment::pass(Stream& stream) {
  stream.passed.push_back(std::move(stream.a.front()));
  if (stream.passed.size() > options_.context) stream.passed.pop_front();
  stream.a.pop_front();
  stream.b.pop_front();
  --a_.waiting;
  --b_.waiting;
  ++stream.same;
  ++same_;
}

// Whether there is enough to see where the streams come together again.
bool Alignment::knows_enough(const Stream& stream) const {
  const auto is_long = [](const Queue& queue) {
    return queue.size() >= look_ahead || queue.back()->event().kind == EventKind::exit;
  };
  return (a_.at_end || is_long(stream.a)) && (b_.at_end || is_long(stream.b));
}

bool Alignment::agrees_from(const Stream& stream, std::size_t from_a, std::size_t from_b) {
  for (std::size_t i = 0; i < agreeing; ++i) {
    const bool ends_a = from_a + i >= stream.a.size();
    const bool ends_b = from_b + i >= stream.b.size();
    if (ends_a || ends_b) return ends_a && ends_b && i > 0;
    if (!comparer_.match(*stream.a[from_a + i], *stream.b[from_b + i])) return false;
  }
  return true;
}

// Whether both make the same few calls from here on, whatever comes of them.
bool Alignment::has_same_calls(const Stream& stream) {
  const std::size_t length = std::max(stream.a.size(), stream.b.size());
  for (std::size_t i = 0; i < std::min(length, agreeing + 1); ++i) {
    if (i >= stream.a.size() || i >= stream.b.size()) return false;
    const Event& a = stream.a[i]->event();
    const Event& b = stream.b[i]->event();
    if (a.kind != b.kind || a.nr != b.nr) return false;
  }
  return true;
}

// The nearest places from which both go on alike.
std::optional<std::pair<std::size_t, std::size_t>> Alignment::rejoin(const Stream& stream) {
  const std::size_t most_a = std::min(stream.a.size(), look_ahead);
  const std::size_t most_b = std::min(stream.b.size(), look_ahead);
  // The same call with another outcome is the most common difference.
  if (has_same_calls(stream)) return std::pair{std::size_t{1}, std::size_t{1}};
  for (std::size_t distance = 1; distance < most_a + most_b; ++distance) {
    for (std::size_t i = distance >= most_b ? distance - most_b + 1 : 0; i <= std::min(distance, most_a - 1);
         ++i) {
      const Event& candidate_a = stream.a[i]->event();
      const Event& candidate_b = stream.b[distance - i]->event();
      if (candidate_a.kind != candidate_b.kind || candidate_a.nr != candidate_b.nr) continue;
      if (agrees_from(stream, i, distance - i)) return std::pair{i, distance - i};
    }
  }
  return std::nullopt;
}

Line Alignment::line(const Item& item) const {
  return {.event = item.event().number.value(),
          .time_ns = item.event().enter_ns,
          .text = event_line(item.event(), options_.string_limit)};
}

void Alignment::skip(Stream& stream, std::size_t from_a, std::size_t from_b) {
  stream.a.erase(stream.a.begin(), stream.a.begin() + static_cast<std::ptrdiff_t>(from_a));
  stream.b.erase(stream.b.begin(), stream.b.begin() + static_cast<std::ptrdiff_t>(from_b));
  a_.waiting -= from_a;
  b_.waiting -= from_b;
  stream.passed.clear();
}

// The fronts differ, or one of them is missing.
void Alignment::part(Stream& stream) {
  Hunk hunk;
  hunk.place = stream.place;
  hunk.calls_before = stream.same;
  for (const auto& item : stream.passed) hunk.before.push_back(line(*item));
  const bool has_both = !stream.a.empty() && !stream.b.empty();
  const std::uint64_t position = stream.a.empty() ? UINT64_MAX - 1 : stream.a.front()->event().number.value();
  std::optional<std::pair<std::size_t, std::size_t>> next;
  if (has_both) {
    hunk.difference = comparer_.compare(*stream.a.front(), *stream.b.front(), Names::Learning::nothing)
                          .value_or(Difference{});
    next = rejoin(stream);
  } else {
    hunk.difference.kind = Difference::Kind::extra;
  }
  hunk.rejoins = next.has_value();
  // Where they do not come together, the first lines of what follows.
  const std::size_t shown = std::max<std::size_t>(options_.context, 1);
  const std::size_t of_a = next ? next->first : std::min(shown, stream.a.size());
  const std::size_t of_b = next ? next->second : std::min(shown, stream.b.size());
  for (std::size_t i = 0; i < of_a; ++i) hunk.only_a.push_back(line(*stream.a[i]));
  for (std::size_t i = 0; i < of_b; ++i) hunk.only_b.push_back(line(*stream.b[i]));
  // Extra events before the same call: it is there, only later.
  if (next && (next->first == 0 || next->second == 0))
    hunk.difference = {Difference::Kind::extra, {}, {}, {}};
  for (std::size_t i = 0; next && i < options_.context; ++i) {
    if (of_a + i >= stream.a.size() || of_b + i >= stream.b.size() ||
        !comparer_.match(*stream.a[of_a + i], *stream.b[of_b + i]))
      break;
    hunk.after.push_back(line(*stream.a[of_a + i]));
  }
  hunks_.emplace_back(position, std::move(hunk));
  first_parting_ = std::min(first_parting_, position);
  if (next) {
    skip(stream, next->first, next->second);
  } else {
    drop(stream);
  }
  if (!options_.all) drop(stream);
}

void Alignment::drop(Stream& stream) {
  stream.is_done = true;
  skip(stream, stream.a.size(), stream.b.size());
}

// Whether no other task can part before the first place that was found.
bool Alignment::is_settled() const {
  if (options_.all || hunks_.empty() || (a_.position <= first_parting_ && !a_.at_end)) return false;
  return std::ranges::none_of(streams_, [this](const auto& entry) {
    const Stream& stream = entry.second;
    return !stream.is_done && !stream.a.empty() && stream.a.front()->event().number.value() < first_parting_;
  });
}

// At the end of both: what one has and the other lacks, unless the other was not read to its end.
void Alignment::finish_streams() {
  if (!a_.at_end || !b_.at_end) return;
  for (auto& [key, stream] : streams_) {
    advance(stream);
    if (stream.is_done) continue;
    const bool is_missing_b = !stream.a.empty() && !b_.problem;
    const bool is_missing_a = !stream.b.empty() && !a_.problem;
    if (is_missing_a || is_missing_b) part(stream);
  }
}

std::string Alignment::path_of(Place place) const {
  std::string path;
  for (std::optional<Place> at = place; at; at = tasks_[*at].parent) {
    if (!tasks_[*at].parent) return path.empty() ? "0" : path;
    path = std::to_string(tasks_[*at].ordinal) + (path.empty() ? "" : "." + path);
  }
  return path;
}

}  // namespace rec::diff

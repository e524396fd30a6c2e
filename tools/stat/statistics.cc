#include "tools/stat/statistics.h"

#include <fmt/format.h>

#include <algorithm>

#include "format/syscalls/table.h"
#include "tools/call_names.h"
#include "tools/dump/call.h"
#include "tools/dump/errors.h"

namespace rec::stat {
namespace {

using syscalls::Type;

std::uint64_t duration_of(const Event& event) {
  return event.leave_ns > event.enter_ns ? event.leave_ns - event.enter_ns : 0;
}

bool returned(const Event& event) { return (event.flags & event_no_result) == 0; }

std::string call_text(const Event& event) {
  const dump::DumpOptions options;
  dump::Text text;
  const dump::Writer writer{text, options};
  const dump::Call call(event);
  dump::put_call_end(writer, call, dump::put_call_begin(writer, call));
  dump::put(text, " = ");
  dump::put_result(writer, call);
  return fmt::to_string(text.buffer);
}

// The heap's front is the call to give up first: the shortest, of equals the latest.
bool outlasts(const LongCall& a, const LongCall& b) {
  return a.duration_ns != b.duration_ns ? a.duration_ns > b.duration_ns : a.event < b.event;
}

}  // namespace

void Counts::add(const Event& event, bool is_failure) {
  ++calls;
  if (returned(event)) times.add(duration_of(event));
  if (!is_failure) return;
  ++errors;
  const auto error = static_cast<std::int32_t>(-event.result);
  for (auto& [known, count] : errnos) {
    if (known == error) {
      ++count;
      return;
    }
  }
  errnos.emplace_back(error, 1);
}

void Counts::add(const Counts& other) {
  calls += other.calls;
  errors += other.errors;
  read += other.read;
  written += other.written;
  times.add(other.times);
}

Statistics::Statistics(const Options& options, const TraceHeader& header)
    : options_(options), descriptors_(header) {
  for (std::size_t nr = 0; nr < call_numbers; ++nr) moves_[nr] = moves(static_cast<std::int32_t>(nr));
}

void Statistics::add(const Event& event) {
  ++events_;
  switch (event.kind) {
    case EventKind::start:
    case EventKind::exec:
    case EventKind::exit:
      note_task(event);
      if (event.kind == EventKind::exec) count_call(event);
      break;
    case EventKind::call:
      count_call(event);
      break;
    case EventKind::begin:
    case EventKind::signal:
    case EventKind::trap:
    case EventKind::stop:
    case EventKind::merge:
    case EventKind::note:
    case EventKind::memory:
    case EventKind::agent:
    case EventKind::point:
    case EventKind::traced:
      return;
  }
  // After the count: a close is counted for the file that it closed.
  if (options_.by == By::file) descriptors_.add(event);
}

void Statistics::note_task(const Event& event) {
  processes_.add(event);
  last_calls_ = nullptr;
  if (event.kind == EventKind::start)
    calls_of_task_.erase(event.tid);  // the number's last owner is another task
  if (event.kind == EventKind::exec && event.extra != nullptr && event.extra->former_tid != Tid{}) {
    auto former = calls_of_task_.extract(event.extra->former_tid);
    if (!former.empty()) calls_of_task_[event.tid] = former.mapped();
  }
  if (event.kind == EventKind::exit) calls_of_task_.erase(event.tid);
}

Statistics::Calls& Statistics::new_calls(Tid task) {
  calls_.push_back(std::make_unique<Calls>());
  Calls& calls = *calls_.back();
  calls.tid = task;
  calls.process = processes_.process_of(task).value_or(no_process);
  return calls;
}

Statistics::Calls& Statistics::calls_of(Tid task) {
  if (options_.by == By::call || options_.by == By::file)
    return calls_.empty() ? new_calls(task) : *calls_.front();
  if (last_calls_ != nullptr && last_task_ == task) return *last_calls_;
  const std::optional<std::size_t> process = processes_.process_of(task);
  const bool is_known = options_.by == By::process && process;
  const std::size_t fresh = calls_.size();
  const std::size_t place = is_known ? calls_of_process_.emplace(*process, fresh).first->second
                                     : calls_of_task_.emplace(task, fresh).first->second;
  last_task_ = task;
  last_calls_ = place == fresh ? &new_calls(task) : calls_[place].get();
  return *last_calls_;
}

Counts& Statistics::counts_of(Calls& calls, std::int32_t nr) {
  const auto number = static_cast<std::uint32_t>(nr);
  if (number < call_numbers) {
    std::uint32_t& place = calls.place[number];
    if (place == 0) {
      calls.counts.emplace_back(nr, Counts());
      place = static_cast<std::uint32_t>(calls.counts.size());
    }
    return calls.counts[place - 1].second;
  }
  for (auto& [known, counts] : calls.counts) {
    if (known == nr) return counts;
  }
  return calls.counts.emplace_back(nr, Counts()).second;
}

void Statistics::count_call(const Event& event) {
  const bool is_failure = returned(event) && dump::is_error(event.result);
  const auto number = static_cast<std::uint32_t>(event.nr);
  Transfer transfer;
  if (number < call_numbers && moves_[number] != Moves::nothing)
    transfer = transfer_of(event, moves_[number]);
  if (options_.by == By::file) {
    count_file(event, is_failure, transfer);
  } else {
    Counts& counts = counts_of(calls_of(event.tid), event.nr);
    counts.add(event, is_failure);
    counts.read += transfer.read;
    counts.written += transfer.written;
  }
  if (options_.longest > 0 && returned(event)) keep_if_long(event);
}

void Statistics::keep_if_long(const Event& event) {
  LongCall call{.duration_ns = duration_of(event), .event = event.number, .tid = event.tid, .text = {}};
  if (longest_.size() == options_.longest) {
    if (!outlasts(call, longest_.front())) return;
    std::pop_heap(longest_.begin(), longest_.end(), outlasts);
    longest_.pop_back();
  }
  call.text = call_text(event);
  longest_.push_back(std::move(call));
  std::push_heap(longest_.begin(), longest_.end(), outlasts);
}

Counts& Statistics::counts_of(const std::string& file) {
  const auto [place, is_new] = file_places_.emplace(file, files_.size());
  if (is_new) files_.push_back({file, Counts()});
  return files_[place->second].counts;
}

std::string Statistics::file_behind(Tid task, TraceeFd fd) const {
  const std::string* name = descriptors_.name_of(task, fd);
  return name != nullptr ? *name : fmt::format("(descriptor {}, not opened in the trace)", fd);
}

std::optional<std::string> Statistics::file_of(const Event& event) const {
  const syscalls::Syscall* call = syscalls::find(event.nr);
  if (call == nullptr) return std::nullopt;
  if (auto path = descriptors_.path_of(event)) return path;
  for (std::size_t i = 0; i < call->arg_count; ++i) {
    const auto fd = static_cast<std::int32_t>(event.args[i]);
    if (call->args[i].type == Type::fd && fd >= 0) return file_behind(event.tid, TraceeFd(fd));
  }
  return std::nullopt;
}

void Statistics::count_file(const Event& event, bool is_failure, const Transfer& transfer) {
  if (const auto file = file_of(event)) counts_of(*file).add(event, is_failure);
  if (transfer.read > 0) counts_of(file_behind(event.tid, transfer.from)).read += transfer.read;
  if (transfer.written > 0) counts_of(file_behind(event.tid, transfer.to)).written += transfer.written;
}

std::vector<Group> Statistics::groups() {
  std::vector<Group> groups;
  for (const std::unique_ptr<Calls>& calls : calls_) {
    Group group;
    if (options_.by != By::call) {
      const bool is_known = calls->process != no_process;
      if (options_.by == By::task || !is_known) group.tid = calls->tid;
      if (is_known) group.pid = processes_.processes()[calls->process].pid;
      if (is_known) group.command = processes_.processes()[calls->process].command;
    }
    for (auto& [nr, counts] : calls->counts) group.rows.push_back({call_name(nr), std::move(counts)});
    groups.push_back(std::move(group));
  }
  if (options_.by == By::file) {
    groups.clear();
    groups.emplace_back().rows = std::move(files_);
  }
  return groups;
}

Result Statistics::result() {
  std::sort(longest_.begin(), longest_.end(), outlasts);
  return {.groups = groups(), .longest = std::move(longest_), .events = events_};
}

}  // namespace rec::stat

#include "tools/lint/linter.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/syscall.h>

#include <algorithm>

#include "format/syscalls/table.h"
#include "tools/dump/errors.h"
#include "tools/event_line.h"

namespace rec::lint {
namespace {

using dump::is_error;
using syscalls::Shape;
using syscalls::Syscall;
using syscalls::Type;

constexpr std::size_t example_string = 32;

std::uint64_t duration(const Event& event) {
  return event.leave_ns > event.enter_ns ? event.leave_ns - event.enter_ns : 0;
}

TraceeFd fd_at(const Event& event, std::size_t argument) {
  return TraceeFd(static_cast<std::int32_t>(event.args[argument]));
}

bool reads_clock(const Syscall& call) {
  if (!syscalls::has_class(call.classes, syscalls::Class::clock)) return false;
  return std::ranges::any_of(call.arguments(), [](const syscalls::Arg& arg) {
    return arg.dir == syscalls::Dir::out &&
           (arg.shape == Shape::timespec || arg.shape == Shape::timeval || arg.shape == Shape::time_t);
  });
}

// Those that wait until data is on the disk, and say no more in the table than that they have a descriptor.
bool forces_to_disk(std::int32_t nr) {
  constexpr std::array<std::int32_t, 6> calls = {SYS_fsync,  SYS_fdatasync,       SYS_sync,
                                                 SYS_syncfs, SYS_sync_file_range, SYS_msync};
  return std::ranges::find(calls, nr) != calls.end();
}

}  // namespace

const char* kind_name(Kind kind) {
  switch (kind) {
    case Kind::reopened_file:
      return "reopened-file";
    case Kind::clock_polling:
      return "clock-polling";
    case Kind::tiny_transfers:
      return "tiny-transfers";
    case Kind::search_path:
      return "search-path";
    case Kind::missing_file:
      return "missing-file";
    case Kind::sync_storm:
      return "sync-storm";
    case Kind::descriptor_leak:
      return "descriptor-leak";
  }
  return "";
}

const char* kind_advice(Kind kind) {
  switch (kind) {
    case Kind::reopened_file:
      return "The same file is opened, read and closed again and again: keep what it says, or the "
             "descriptor.";
    case Kind::clock_polling:
      return "The time is read many times in a row with no other call: wait with poll, futex or a timer.";
    case Kind::tiny_transfers:
      return "Many reads or writes move a few bytes each: put a buffer between.";
    case Kind::search_path:
      return "Names are looked for in directory after directory: shorten or reorder the search path.";
    case Kind::missing_file:
      return "A path that is not there is looked for again and again: remember the answer.";
    case Kind::sync_storm:
      return "Data is forced to the disk again and again: collect the changes of several.";
    case Kind::descriptor_leak:
      return "Many descriptors are left open at the end of a process: close them when they are done with.";
  }
  return "";
}

void Linter::Tally::add(const Event& event) {
  // The second is a better example of a repetition than the first.
  if (count == 0 || count == 1) {
    example = event.number;
    example_text = event_line(event, example_string);
  }
  ++count;
  cost_ns += duration(event);
}

Linter::Linter(const Thresholds& thresholds, const TraceHeader& header)
    : thresholds_(thresholds), descriptors_(header) {
  for (std::size_t nr = 0; nr < moves_.size(); ++nr) moves_[nr] = stat::moves(static_cast<std::int32_t>(nr));
}

void Linter::add(const Event& event) {
  const auto before = processes_.process_of(event.tid);
  if (event.kind == EventKind::exit) on_task_end(event);
  const bool is_call = event.kind == EventKind::call || event.kind == EventKind::exec;
  if (is_call && before) on_call(event, *before);
  processes_.add(event);
  descriptors_.add(event);
  const auto process = processes_.process_of(event.tid);
  if (event.kind == EventKind::start && process) ++alive_[*process];
  if (is_call && process) on_new_descriptor(event, *process);
}

void Linter::on_call(const Event& event, Place process) {
  const Syscall* call = syscalls::find(event.nr);
  if (call == nullptr || (event.flags & event_no_result) != 0) return;
  if (reads_clock(*call)) return on_clock(event, process);
  end_clock_run(event.tid, process);
  if (forces_to_disk(event.nr) && !is_error(event.result)) syncs_[process].add(event);
  if (call->args[0].type == Type::fd && call->arg_count > 0) {
    const auto opened = opened_.find(descriptors_.description_of(event.tid, fd_at(event, 0)));
    if (opened != opened_.end()) opened->second.cost_ns += duration(event);
  }
  if (event.nr == SYS_close) return on_close(event, process);
  on_transfer(event, process);
  on_lookup(event, process);
}

void Linter::on_clock(const Event& event, Place process) {
  Tally& run = clock_runs_[event.tid];
  ++run.count;
  run.cost_ns += duration(event);
  if (run.count != thresholds_.clock_reads) return;
  Tally& all = clock_reads_[process].tally;
  if (all.count > 0) return;
  all.example = event.number;
  all.example_text = event_line(event, example_string);
}

void Linter::end_clock_run(Tid task, Place process) {
  const auto run = clock_runs_.find(task);
  if (run == clock_runs_.end()) return;
  if (run->second.count >= thresholds_.clock_reads) {
    ClockReads& reads = clock_reads_[process];
    reads.tally.count += run->second.count;
    reads.tally.cost_ns += run->second.cost_ns;
    ++reads.runs;
  }
  run->second = {};
}

void Linter::on_transfer(const Event& event, Place process) {
  const auto number = static_cast<std::uint32_t>(event.nr);
  if (number >= moves_.size() || moves_[number] == stat::Moves::nothing) return;
  const stat::Transfer transfer = stat::transfer_of(event, moves_[number]);
  const auto note = [&](TraceeFd fd, std::uint64_t bytes, PerFile& tallies) {
    if (bytes == 0) return;
    const auto opened = opened_.find(descriptors_.description_of(event.tid, fd));
    if (opened != opened_.end()) {
      opened->second.was_read |= &tallies == &tiny_reads_;
      opened->second.was_changed |= &tallies == &tiny_writes_;
    }
    if (bytes > thresholds_.tiny_bytes) return;
    const std::string* name = descriptors_.name_of(event.tid, fd);
    Tally& tally = tallies[{process, name != nullptr ? *name : fmt::format("descriptor {}", fd)}];
    tally.add(event);
    tally.bytes += bytes;
  };
  note(transfer.from, transfer.read, tiny_reads_);
  note(transfer.to, transfer.written, tiny_writes_);
}

// Paths that are not there.
void Linter::on_lookup(const Event& event, Place process) {
  const bool is_missing = event.result == -ENOENT || event.result == -ENOTDIR;
  if (is_error(event.result) && !is_missing) return;
  const auto path = descriptors_.path_of(event);
  if (!path) return;
  const std::size_t slash = path->rfind('/');
  if (slash == std::string::npos || slash + 1 == path->size()) return;
  const auto search = searches_.find({process, path->substr(slash + 1)});
  if (!is_missing) {
    if (search != searches_.end()) search->second.was_found = true;
    return;
  }
  missing_[{process, *path}].add(event);
  Search& of = search != searches_.end() ? search->second : searches_[{process, path->substr(slash + 1)}];
  of.misses.add(event);
  of.directories.insert(path->substr(0, slash));
}

void Linter::on_new_descriptor(const Event& event, Place process) {
  const Syscall* call = syscalls::find(event.nr);
  if (call == nullptr || !call->changes_fds || event.result < 0 || event.nr == SYS_close) return;
  const auto note = [&](TraceeFd fd) {
    const std::uint64_t description = descriptors_.description_of(event.tid, fd);
    if (description == 0) return;
    // A copy is of the description that is there.
    const auto [opened, is_new] = opened_.try_emplace(description);
    if (!is_new) return;
    opened->second.process = process;
    opened->second.event = event.number;
    opened->second.cost_ns = duration(event);
    const std::string* name = descriptors_.name_of(event.tid, fd);
    if (name == nullptr) return;
    // The second time is an example of a repetition.
    const auto before = reopened_.find({process, *name});
    if (before != reopened_.end() && before->second.count == 1)
      opened->second.text = event_line(event, example_string);
  };
  for (std::size_t i = 0; i < call->arg_count; ++i) {
    if (call->args[i].shape != Shape::fd_pair) continue;
    for (const Descriptors::Held& held : descriptors_.held_by(event.tid)) note(held.fd);
    return;
  }
  if (call->returns == syscalls::Returns::new_fd) note(TraceeFd(static_cast<std::int32_t>(event.result)));
}

void Linter::on_close(const Event& event, Place process) {
  const TraceeFd fd = fd_at(event, 0);
  const std::string* name = descriptors_.name_of(event.tid, fd);
  const auto opened = opened_.find(descriptors_.description_of(event.tid, fd));
  if (name == nullptr || opened == opened_.end()) return;
  // Copies of a descriptor are closed one by one; the first counts.
  if (name->starts_with('/') && opened->second.was_read && !opened->second.was_changed) {
    Tally& tally = reopened_[{process, *name}];
    ++tally.count;
    tally.cost_ns += duration(event) + opened->second.cost_ns;
    if (!opened->second.text.empty()) {
      tally.example = opened->second.event;
      tally.example_text = std::move(opened->second.text);
    }
  }
  opened_.erase(opened);
}

// The process's last task takes the descriptors with it.
void Linter::on_task_end(const Event& event) {
  const auto process = processes_.process_of(event.tid);
  if (!process) return;
  end_clock_run(event.tid, *process);
  clock_runs_.erase(event.tid);
  std::uint64_t& alive = alive_[*process];
  if (alive > 0) --alive;
  if (alive > 0) return;
  Finding leak{
      .kind = Kind::descriptor_leak, .process = *process, .subject = {}, .detail = {}, .example_text = {}};
  std::map<std::string, std::uint64_t> names;
  for (const Descriptors::Held& held : descriptors_.held_by(event.tid)) {
    const auto opened = opened_.find(held.description);
    if (opened == opened_.end() || opened->second.process != *process) continue;
    if (++leak.count == 1) leak.example = opened->second.event;
    leak.cost_ns += opened->second.cost_ns;
    ++names[held.name != nullptr ? *held.name : std::string("?")];
  }
  if (leak.count < thresholds_.descriptors) return;
  const auto most = std::ranges::max_element(names, {}, [](const auto& entry) { return entry.second; });
  leak.subject = most->first;
  leak.detail = fmt::format("{} of them this one", most->second);
  leaks_.push_back(std::move(leak));
}

void Linter::add_files(std::vector<Finding>& findings, Kind kind, PerFile& tallies, std::uint64_t least) {
  for (auto& [key, tally] : tallies) {
    if (tally.count < least) continue;
    findings.push_back({.kind = kind,
                        .process = key.first,
                        .subject = key.second,
                        .count = tally.count,
                        .cost_ns = tally.cost_ns,
                        .detail = {},
                        .example = tally.example,
                        .example_text = std::move(tally.example_text)});
    if (kind == Kind::tiny_transfers)
      findings.back().detail = fmt::format(
          "{:.1f} bytes each", static_cast<double>(tally.bytes) / static_cast<double>(tally.count));
  }
}

// Names that were missing in more than one directory, together for each process.
void Linter::add_searches(std::vector<Finding>& findings) {
  std::map<Place, Finding> by_process;
  std::map<Place, std::uint64_t> names;
  std::map<Place, std::uint64_t> most;
  for (auto& [key, search] : searches_) {
    if (search.directories.size() < 2) continue;
    const Place process = key.first;
    Finding& finding = by_process[process];
    finding.kind = Kind::search_path;
    finding.process = process;
    finding.count += search.misses.count;
    finding.cost_ns += search.misses.cost_ns;
    ++names[process];
    if (search.misses.count <= most[process]) continue;
    most[process] = search.misses.count;
    finding.subject = key.second;
    finding.example = search.misses.example;
    finding.example_text = search.misses.example_text;
    finding.detail = fmt::format("{} times in {} directories, and {}", search.misses.count,
                                 search.directories.size(), search.was_found ? "found" : "not found");
  }
  for (auto& [process, finding] : by_process) {
    if (finding.count < thresholds_.lookups) continue;
    finding.detail =
        fmt::format("{} name{}; this one {}", names[process], names[process] == 1 ? "" : "s", finding.detail);
    findings.push_back(std::move(finding));
  }
}

std::vector<Finding> Linter::findings() {
  for (auto& [task, run] : clock_runs_) {
    if (const auto process = processes_.process_of(task)) end_clock_run(task, *process);
  }
  std::vector<Finding> findings = std::move(leaks_);
  add_files(findings, Kind::reopened_file, reopened_, thresholds_.reopens);
  add_files(findings, Kind::tiny_transfers, tiny_reads_, thresholds_.tiny_calls);
  add_files(findings, Kind::tiny_transfers, tiny_writes_, thresholds_.tiny_calls);
  add_files(findings, Kind::missing_file, missing_, thresholds_.misses);
  add_searches(findings);
  const auto add_process = [&](Kind kind, Place process, Tally& tally, std::string detail) {
    findings.push_back({.kind = kind,
                        .process = process,
                        .subject = {},
                        .count = tally.count,
                        .cost_ns = tally.cost_ns,
                        .detail = std::move(detail),
                        .example = tally.example,
                        .example_text = std::move(tally.example_text)});
  };
  for (auto& [process, tally] : syncs_) {
    if (tally.count >= thresholds_.syncs) add_process(Kind::sync_storm, process, tally, {});
  }
  for (auto& [process, reads] : clock_reads_) {
    if (reads.runs == 0) continue;  // one that has not ended
    add_process(Kind::clock_polling, process, reads.tally,
                fmt::format("in {} row{}", reads.runs, reads.runs == 1 ? "" : "s"));
  }
  std::stable_sort(findings.begin(), findings.end(), [](const Finding& a, const Finding& b) {
    return a.kind != b.kind ? a.kind < b.kind : a.cost_ns > b.cost_ns;
  });
  return findings;
}

}  // namespace rec::lint

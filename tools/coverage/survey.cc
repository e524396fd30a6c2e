#include "tools/coverage/survey.h"

#include <algorithm>

#include "format/syscalls/table.h"
#include "tools/dump/errors.h"

namespace rec::coverage {
namespace {

Outcome outcome_of(const Event& event) {
  Outcome outcome;
  if ((event.flags & event_no_result) != 0) {
    outcome.kind = Outcome::Kind::no_return;
  } else if (dump::is_error(event.result)) {
    outcome.kind = Outcome::Kind::error;
    outcome.error = static_cast<std::int32_t>(-event.result);
  }
  outcome.by_rec = (event.flags & event_denied) != 0;
  outcome.count = 1;
  outcome.first = event.number;
  return outcome;
}

}  // namespace

void CallUse::add(const Outcome& outcome) {
  count += outcome.count;
  for (Outcome& known : outcomes) {
    if (!known.is_same_as(outcome)) continue;
    known.count += outcome.count;
    return;
  }
  outcomes.push_back(outcome);
}

CallUse& Usage::of(std::int32_t nr) {
  const auto number = static_cast<std::uint32_t>(nr);
  if (number < call_numbers && place_[number] != 0) return calls_[place_[number] - 1U];
  if (number >= call_numbers) {
    for (CallUse& use : calls_) {
      if (use.nr == nr) return use;
    }
  }
  CallUse& use = calls_.emplace_back();
  use.nr = nr;
  if (number < call_numbers) place_[number] = static_cast<std::uint16_t>(calls_.size());
  return use;
}

const CallUse* Usage::find(std::int32_t nr) const {
  for (const CallUse& use : calls_) {
    if (use.nr == nr) return &use;
  }
  return nullptr;
}

std::uint64_t Usage::count() const {
  std::uint64_t sum = 0;
  for (const CallUse& use : calls_) sum += use.count;
  return sum;
}

void Usage::add(const Usage& other) {
  for (const CallUse& theirs : other.calls()) {
    CallUse& ours = of(theirs.nr);
    for (const Outcome& outcome : theirs.outcomes) ours.add(outcome);
    for (std::size_t kind = 0; kind < object_kinds; ++kind) {
      ours.objects[kind].count += theirs.objects[kind].count;
      ours.objects[kind].failures += theirs.objects[kind].failures;
    }
  }
}

Usage& Survey::usage_of(Tid task) {
  if (last_usage_ != nullptr && (last_task_ == task || !by_process_)) return *last_usage_;
  const std::optional<std::size_t> process = by_process_ ? processes_.process_of(task) : std::nullopt;
  last_task_ = task;
  for (const Part& part : parts_) {
    if (part.process == process) return *(last_usage_ = part.usage.get());
  }
  parts_.push_back({process, std::make_unique<Usage>()});
  return *(last_usage_ = parts_.back().usage.get());
}

Survey::Survey(bool by_process, const TraceHeader& header) : by_process_(by_process), descriptors_(header) {
  for (std::size_t nr = 0; nr < namings_.size(); ++nr)
    namings_[nr] = naming_of(static_cast<std::int32_t>(nr));
}

Survey::Naming Survey::naming_of(std::int32_t nr) {
  const syscalls::Syscall* call = syscalls::find(nr);
  if (call == nullptr) return {};
  const auto arguments = call->arguments();
  const auto is_path = [](const syscalls::Arg& arg) {
    return arg.type == syscalls::Type::path && arg.dir == syscalls::Dir::in;
  };
  if (std::ranges::any_of(arguments, is_path)) return {Names::path, 0};
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i].type == syscalls::Type::fd) return {Names::descriptor, static_cast<std::uint8_t>(i)};
  }
  return {};
}

void Survey::count(const Event& event) {
  const Outcome outcome = outcome_of(event);
  CallUse& use = usage_of(event.tid).of(event.nr);
  use.add(outcome);
  if (!outcome.by_rec) count_object(event, use, outcome.kind == Outcome::Kind::error);
}

void Survey::count_object(const Event& event, CallUse& use, bool failed) {
  const auto number = static_cast<std::uint32_t>(event.nr);
  const Naming naming = number < namings_.size() ? namings_[number] : Naming{};
  ObjectKind kind = ObjectKind::unknown;
  switch (naming.by) {
    case Names::nothing:
      return;
    case Names::descriptor: {
      const auto fd = static_cast<std::int32_t>(event.args[naming.argument]);
      if (fd < 0) return;  // anonymous memory, or a mistake
      kind = descriptors_.kind_of(event.tid, TraceeFd(fd));
      break;
    }
    case Names::path: {
      const auto path = descriptors_.path_of(event);
      if (!path) return;
      kind = object_kind(*path, nullptr);
      break;
    }
  }
  ObjectUse& object = use.objects[static_cast<std::size_t>(kind)];
  ++object.count;
  if (failed) ++object.failures;
}

void Survey::add(const Event& event) {
  ++events_;
  switch (event.kind) {
    case EventKind::start:
    case EventKind::exec:
    case EventKind::exit:
      if (by_process_) {
        processes_.add(event);
        last_usage_ = nullptr;
      }
      if (event.kind == EventKind::exec) count(event);
      break;
    case EventKind::call:
      count(event);
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
  // After the count: a close works on what it closes.
  descriptors_.add(event);
}

std::vector<Usage> Survey::usages() const {
  std::vector<Usage> usages;
  for (const Part& part : parts_) {
    Usage& usage = usages.emplace_back(*part.usage);
    if (!part.process) continue;
    usage.pid = processes_.processes()[*part.process].pid;
    usage.command = processes_.processes()[*part.process].command;
  }
  return usages;
}

}  // namespace rec::coverage

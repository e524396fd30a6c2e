#include "tools/coverage/facts.h"

#include <algorithm>
#include <cerrno>
#include <map>
#include <tuple>

#include "format/syscalls/table.h"
#include "tools/call_names.h"

namespace rec::coverage {
namespace {

bool is_served(const CallUse& use) {
  return !std::ranges::all_of(use.outcomes, [](const Outcome& outcome) {
    return outcome.kind == Outcome::Kind::error && outcome.error == ENOSYS;
  });
}

std::map<std::string, std::uint64_t> count_by_subsystem(const Usage& usage) {
  std::map<std::string, std::uint64_t> counts;
  for (const CallUse& use : usage.calls()) counts[facts_of(use.nr).subsystem] += use.count;
  return counts;
}

}  // namespace

CallFacts facts_of(std::int32_t nr) {
  const syscalls::Syscall* call = syscalls::find(nr);
  CallFacts facts{.name = call_name(nr), .subsystem = "unknown", .entry = "-", .kconfig = {}};
  if (call == nullptr) return facts;
  facts.subsystem = syscalls::subsystem_name(call->subsystem);
  if (!call->entry.empty()) facts.entry = call->entry;
  if (!call->kconfig.empty()) facts.kconfig = "CONFIG_" + std::string(call->kconfig);
  return facts;
}

std::vector<CallUse> ordered_calls(const Usage& usage) {
  const auto counts = count_by_subsystem(usage);
  std::vector<CallUse> calls = usage.calls();
  std::sort(calls.begin(), calls.end(), [&](const CallUse& a, const CallUse& b) {
    const CallFacts of_a = facts_of(a.nr);
    const CallFacts of_b = facts_of(b.nr);
    const std::uint64_t together_a = counts.at(of_a.subsystem);
    const std::uint64_t together_b = counts.at(of_b.subsystem);
    return std::tie(together_b, of_a.subsystem, b.count, of_a.name) <
           std::tie(together_a, of_b.subsystem, a.count, of_b.name);
  });
  return calls;
}

std::vector<SubsystemUse> subsystems(const Usage& usage) {
  std::map<std::string, SubsystemUse> by_name;
  for (const syscalls::Syscall& call : syscalls::all()) {
    const bool is_used = usage.find(call.nr) != nullptr;
    if (call.subsystem == syscalls::Subsystem::unimplemented && !is_used) continue;
    SubsystemUse& subsystem = by_name[std::string(syscalls::subsystem_name(call.subsystem))];
    if (is_used) ++subsystem.exercised;
    if (!is_used) subsystem.not_exercised.emplace_back(call.name);
  }
  const std::uint64_t all = usage.count();
  for (const auto& [name, count] : count_by_subsystem(usage)) {
    by_name[name].count = count;
    by_name[name].share = 100.0 * static_cast<double>(count) / static_cast<double>(all);
  }
  std::vector<SubsystemUse> uses;
  for (auto& [name, use] : by_name) {
    use.name = name;
    uses.push_back(std::move(use));
  }
  std::stable_sort(uses.begin(), uses.end(),
                   [](const SubsystemUse& a, const SubsystemUse& b) { return a.count > b.count; });
  return uses;
}

std::vector<ObjectTotal> objects(const Usage& usage) {
  std::vector<ObjectTotal> totals(object_kinds);
  for (const CallUse& use : usage.calls()) {
    for (std::size_t kind = 0; kind < object_kinds; ++kind) {
      if (use.objects[kind].count == 0) continue;
      totals[kind].kind = ObjectKind{static_cast<std::uint8_t>(kind)};
      totals[kind].count += use.objects[kind].count;
      totals[kind].failures += use.objects[kind].failures;
      totals[kind].calls.emplace_back(call_name(use.nr), use.objects[kind]);
    }
  }
  std::erase_if(totals, [](const ObjectTotal& total) { return total.count == 0; });
  std::stable_sort(totals.begin(), totals.end(),
                   [](const ObjectTotal& a, const ObjectTotal& b) { return a.count > b.count; });
  for (ObjectTotal& total : totals) {
    std::stable_sort(total.calls.begin(), total.calls.end(),
                     [](const auto& a, const auto& b) { return a.second.count > b.second.count; });
  }
  return totals;
}

namespace {

std::vector<std::int32_t> possible_errors(const syscalls::Syscall& call) {
  using syscalls::Type;
  std::vector<std::int32_t> errors;
  const auto add = [&](std::initializer_list<std::int32_t> more) {
    for (const std::int32_t error : more) {
      if (std::ranges::find(errors, error) == errors.end()) errors.push_back(error);
    }
  };
  for (const syscalls::Arg& arg : call.arguments()) {
    if (arg.dir != syscalls::Dir::value) add({EFAULT});
    if (arg.type == Type::fd || arg.type == Type::dirfd) add({EBADF});
    if (arg.type == Type::path && arg.dir == syscalls::Dir::in)
      add({ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG});
    if (arg.type == Type::flags || arg.type == Type::enumeration) add({EINVAL});
    if (arg.type == Type::pid || arg.type == Type::tid) add({ESRCH});
  }
  if (call.returns == syscalls::Returns::new_fd) add({EMFILE, ENFILE});
  if (call.blocks) add({EINTR, EAGAIN});
  return errors;
}

}  // namespace

std::vector<UnseenErrors> unseen_errors(const Usage& usage) {
  std::vector<UnseenErrors> all;
  for (const CallUse& use : ordered_calls(usage)) {
    const syscalls::Syscall* call = syscalls::find(use.nr);
    if (call == nullptr || !is_served(use)) continue;
    UnseenErrors unseen{.call = std::string(call->name), .errors = {}};
    for (const std::int32_t error : possible_errors(*call)) {
      const bool is_seen = std::ranges::any_of(use.outcomes, [error](const Outcome& outcome) {
        return outcome.kind == Outcome::Kind::error && outcome.error == error && !outcome.by_rec;
      });
      if (!is_seen) unseen.errors.push_back(error_name(error));
    }
    if (!unseen.errors.empty()) all.push_back(std::move(unseen));
  }
  return all;
}

std::vector<KernelOption> kernel_options(const Usage& usage) {
  std::map<std::string, std::set<std::string>> calls_of;
  for (const CallUse& use : usage.calls()) {
    const CallFacts facts = facts_of(use.nr);
    if (!facts.kconfig.empty() && is_served(use)) calls_of[facts.kconfig].insert(facts.name);
    for (std::size_t kind = 0; kind < object_kinds; ++kind) {
      const std::string_view option = rec::facts_of(ObjectKind{static_cast<std::uint8_t>(kind)}).kconfig;
      if (!option.empty() && use.objects[kind].count > use.objects[kind].failures)
        calls_of[std::string(option)].insert(facts.name);
    }
  }
  std::vector<KernelOption> options;
  for (const auto& [symbol, calls] : calls_of) options.push_back({symbol, {calls.begin(), calls.end()}});
  return options;
}

std::string outcome_name(const Outcome& outcome) {
  std::string name;
  switch (outcome.kind) {
    case Outcome::Kind::success:
      name = "ok";
      break;
    case Outcome::Kind::error:
      name = error_name(outcome.error);
      break;
    case Outcome::Kind::no_return:
      name = "no return";
      break;
  }
  return outcome.by_rec ? name + " by rec" : name;
}

std::size_t error_paths(const Usage& usage) {
  std::size_t paths = 0;
  for (const CallUse& use : usage.calls()) {
    paths += static_cast<std::size_t>(std::ranges::count_if(use.outcomes, [](const Outcome& outcome) {
      return outcome.kind == Outcome::Kind::error && !outcome.by_rec;
    }));
  }
  return paths;
}

}  // namespace rec::coverage

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

std::vector<KernelOption> kernel_options(const Usage& usage) {
  std::map<std::string, std::set<std::string>> calls_of;
  for (const CallUse& use : usage.calls()) {
    const CallFacts facts = facts_of(use.nr);
    if (!facts.kconfig.empty() && is_served(use)) calls_of[facts.kconfig].insert(facts.name);
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

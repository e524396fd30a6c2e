#include "tools/coverage/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "tools/coverage/facts.h"
#include "tools/display.h"
#include "tools/json.h"

namespace rec::coverage {
namespace {

using enum Columns::Align;

std::string joined(const std::vector<std::string>& words, std::string_view separator) {
  return fmt::format("{}", fmt::join(words, separator));
}

// ok 120, ENOENT 5: the most frequent first.
std::string outcomes_text(const CallUse& use) {
  std::vector<Outcome> outcomes = use.outcomes;
  std::stable_sort(outcomes.begin(), outcomes.end(),
                   [](const Outcome& a, const Outcome& b) { return a.count > b.count; });
  std::vector<std::string> words;
  words.reserve(outcomes.size());
  for (const Outcome& outcome : outcomes)
    words.push_back(fmt::format("{} {}", outcome_name(outcome), outcome.count));
  return joined(words, ", ");
}

Table calls_table(const Usage& usage) {
  Table table{{left, right, left, left, left},
              {"System call", "Frequency", "Subsystem", "Entry point", "Outcomes"},
              {}};
  for (const CallUse& use : ordered_calls(usage)) {
    const CallFacts facts = facts_of(use.nr);
    table.rows.push_back(
        {facts.name, fmt::format("{}", use.count), facts.subsystem, facts.entry, outcomes_text(use)});
  }
  return table;
}

std::string usage_heading(const Usage& usage) {
  if (usage.pid == Pid{}) return "System calls";
  return fmt::format("Process {}: {}", usage.pid, shell_quoted(usage.command));
}

Section subsystems_section(const Usage& whole) {
  Section section{.heading = "Subsystems", .paragraphs = {}, .bars = {}, .table = {}};
  section.table = {{left, right, right, right}, {"Subsystem", "Calls", "Share", "Different calls"}, {}};
  for (const SubsystemUse& use : subsystems(whole)) {
    if (use.count == 0) continue;
    section.bars.push_back({use.name, fmt::format("{:.1f} % ({})", use.share, use.count), use.share});
    const std::size_t all = use.exercised + use.not_exercised.size();
    section.table.rows.push_back({use.name, fmt::format("{}", use.count), fmt::format("{:.1f} %", use.share),
                                  all == 0 ? "-" : fmt::format("{} of {}", use.exercised, all)});
  }
  return section;
}

Section objects_section(const Usage& whole) {
  Section section{.heading = "Objects", .paragraphs = {}, .bars = {}, .table = {}};
  const std::vector<ObjectTotal> totals = objects(whole);
  if (totals.empty()) return section;
  section.table = {
      {left, right, right, left, left}, {"Object", "Calls", "Failed", "Served by", "System calls"}, {}};
  for (const ObjectTotal& total : totals) {
    std::vector<std::string> calls;
    for (const auto& [call, use] : total.calls) calls.push_back(fmt::format("{} {}", call, use.count));
    const ObjectFacts& facts = rec::facts_of(total.kind);
    section.table.rows.push_back({std::string(facts.name), fmt::format("{}", total.count),
                                  fmt::format("{}", total.failures), std::string(facts.entry),
                                  joined(calls, ", ")});
  }
  return section;
}

Section unseen_section(const Usage& whole) {
  Section section{.heading = "Error paths not seen",
                  .paragraphs = {"Of the calls made, as far as their arguments tell what may go wrong."},
                  .bars = {},
                  .table = {{left, left}, {"System call", "Errors not seen"}, {}}};
  for (const UnseenErrors& unseen : unseen_errors(whole))
    section.table.rows.push_back({unseen.call, joined(unseen.errors, " ")});
  return section;
}

Section missing_section(const Usage& whole, bool names_missing) {
  Section section{.heading = "Not exercised", .paragraphs = {}, .bars = {}, .table = {}};
  std::vector<std::string> untouched;
  for (const SubsystemUse& use : subsystems(whole)) {
    if (use.count == 0) untouched.push_back(use.name);
  }
  if (!untouched.empty()) section.paragraphs.push_back("Whole subsystems: " + joined(untouched, ", "));
  if (!names_missing) return section;
  section.table = {{left, right, left}, {"Subsystem", "Calls", "Not exercised"}, {}};
  for (const SubsystemUse& use : subsystems(whole)) {
    if (use.not_exercised.empty()) continue;
    section.table.rows.push_back(
        {use.name, fmt::format("{}", use.not_exercised.size()), joined(use.not_exercised, " ")});
  }
  return section;
}

Section options_section(const Usage& whole) {
  Section section{.heading = "Kernel options required", .paragraphs = {}, .bars = {}, .table = {}};
  const std::vector<KernelOption> options = kernel_options(whole);
  if (options.empty()) section.paragraphs.emplace_back("None beyond what every kernel has.");
  if (options.empty()) return section;
  section.table = {{left, left}, {"Option", "For"}, {}};
  for (const KernelOption& option : options)
    section.table.rows.push_back({option.symbol, joined(option.calls, " ")});
  return section;
}

void put_words(Json& json, std::string_view key, const std::vector<std::string>& words) {
  json.key(key).open_array(Json::Layout::inline_);
  for (const std::string& word : words) json.value(word);
  json.close();
}

void put_call(Json& json, const CallUse& use) {
  const CallFacts facts = facts_of(use.nr);
  json.open_object(Json::Layout::inline_);
  json.field("call", facts.name);
  json.field("nr", use.nr);
  json.field("frequency", use.count);
  json.field("subsystem", facts.subsystem);
  json.field("entry", facts.entry);
  if (!facts.kconfig.empty()) json.field("kconfig", facts.kconfig);
  json.key("outcomes").open_array();
  for (const Outcome& outcome : use.outcomes) {
    json.open_object();
    json.field("outcome", outcome_name(outcome));
    json.field("count", outcome.count);
    json.field("first_event", outcome.first.value());
    json.close();
  }
  json.close();
  json.key("objects").open_object();  // none for calls that work on none
  for (std::size_t kind = 0; kind < object_kinds; ++kind) {
    if (use.objects[kind].count > 0)
      json.field(rec::facts_of(ObjectKind{static_cast<std::uint8_t>(kind)}).name, use.objects[kind].count);
  }
  json.close();
  json.close();
}

void put_objects(Json& json, const Usage& whole) {
  json.key("objects").open_array();
  for (const ObjectTotal& total : objects(whole)) {
    const ObjectFacts& facts = rec::facts_of(total.kind);
    json.open_object(Json::Layout::inline_);
    json.field("object", facts.name);
    json.field("calls", total.count);
    json.field("failed", total.failures);
    json.field("entry", facts.entry);
    if (!facts.kconfig.empty()) json.field("kconfig", facts.kconfig);
    json.key("by_call").open_object();
    for (const auto& [call, use] : total.calls) json.field(call, use.count);
    json.close();
    json.close();
  }
  json.close();
}

void put_unseen_errors(Json& json, const Usage& whole) {
  json.key("errors_not_seen").open_array();
  for (const UnseenErrors& unseen : unseen_errors(whole)) {
    json.open_object(Json::Layout::inline_);
    json.field("call", unseen.call);
    put_words(json, "errors", unseen.errors);
    json.close();
  }
  json.close();
}

void put_subsystems(Json& json, const Usage& whole) {
  json.key("subsystems").open_array();
  for (const SubsystemUse& use : subsystems(whole)) {
    json.open_object(Json::Layout::inline_);
    json.field("subsystem", use.name);
    json.field("calls", use.count);
    json.field("share_percent", use.share);
    json.field("exercised", use.exercised);
    put_words(json, "not_exercised", use.not_exercised);
    json.close();
  }
  json.close();
}

}  // namespace

Usage Covered::whole() const {
  Usage whole;
  for (const Usage& usage : usages) whole.add(usage);
  return whole;
}

Document coverage_document(const Covered& covered, bool names_missing) {
  const Usage whole = covered.whole();
  Document document{.title = "Kernel coverage of " + shell_quoted(covered.command), .sections = {}};
  Section summary{.heading = {}, .paragraphs = {}, .bars = {}, .table = {}};
  summary.paragraphs.push_back(fmt::format("{} system calls, {} different ones, {} error paths seen.",
                                           whole.count(), whole.calls().size(), error_paths(whole)));
  if (!covered.is_complete)
    summary.paragraphs.emplace_back("The recording is incomplete: what can be read of it is counted.");
  document.sections.push_back(std::move(summary));
  for (const Usage& usage : covered.usages)
    document.sections.push_back(
        {.heading = usage_heading(usage), .paragraphs = {}, .bars = {}, .table = calls_table(usage)});
  document.sections.push_back(objects_section(whole));
  document.sections.push_back(subsystems_section(whole));
  document.sections.push_back(missing_section(whole, names_missing));
  if (names_missing) document.sections.push_back(unseen_section(whole));
  document.sections.push_back(options_section(whole));
  return document;
}

std::string coverage_json(const Covered& covered) {
  const Usage whole = covered.whole();
  Json json;
  json.open_object();
  json.field("trace", covered.trace);
  put_words(json, "command", covered.command);
  json.field("complete", covered.is_complete);
  json.field("events", covered.events);
  json.field("calls", whole.count());
  json.field("error_paths", error_paths(whole));
  json.key("groups").open_array();
  for (const Usage& usage : covered.usages) {
    json.open_object();
    if (usage.pid != Pid{}) json.field("pid", usage.pid.value());
    if (usage.pid != Pid{}) put_words(json, "command", usage.command);
    json.key("calls").open_array();
    for (const CallUse& use : ordered_calls(usage)) put_call(json, use);
    json.close();
    json.close();
  }
  json.close();
  put_objects(json, whole);
  put_subsystems(json, whole);
  put_unseen_errors(json, whole);
  json.key("kernel_options").open_array();
  for (const KernelOption& option : kernel_options(whole)) {
    json.open_object(Json::Layout::inline_);
    json.field("symbol", option.symbol);
    put_words(json, "calls", option.calls);
    json.close();
  }
  json.close();
  json.close();
  return json.text();
}

}  // namespace rec::coverage

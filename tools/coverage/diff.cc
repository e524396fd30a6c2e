// `rec coverage --diff A B`: what one trace exercised and the other did not.
#include <fmt/format.h>

#include <algorithm>

#include "tools/coverage/facts.h"
#include "tools/coverage/report.h"
#include "tools/json.h"

namespace rec::coverage {
namespace {

using enum Columns::Align;

// A call whose frequency or outcomes differ.
struct Difference {
  CallFacts facts;
  std::uint64_t in_a = 0;
  std::uint64_t in_b = 0;
  std::vector<std::string> outcomes_only_in_a;
  std::vector<std::string> outcomes_only_in_b;
};

std::vector<std::string> outcomes_missing(const CallUse* from, const CallUse* in) {
  std::vector<std::string> names;
  if (from == nullptr) return names;
  for (const Outcome& outcome : from->outcomes) {
    const bool is_in_both = in != nullptr && std::ranges::any_of(in->outcomes, [&](const Outcome& other) {
                              return other.is_same_as(outcome);
                            });
    if (!is_in_both) names.push_back(outcome_name(outcome));
  }
  return names;
}

// Ordered as the calls of both together.
std::vector<Difference> differences(const Usage& a, const Usage& b) {
  Usage both;
  both.add(a);
  both.add(b);
  std::vector<Difference> found;
  for (const CallUse& use : ordered_calls(both)) {
    const CallUse* in_a = a.find(use.nr);
    const CallUse* in_b = b.find(use.nr);
    Difference difference{.facts = facts_of(use.nr),
                          .in_a = in_a != nullptr ? in_a->count : 0,
                          .in_b = in_b != nullptr ? in_b->count : 0,
                          .outcomes_only_in_a = outcomes_missing(in_a, in_b),
                          .outcomes_only_in_b = outcomes_missing(in_b, in_a)};
    const bool differs = difference.in_a != difference.in_b || !difference.outcomes_only_in_a.empty() ||
                         !difference.outcomes_only_in_b.empty();
    if (differs) found.push_back(std::move(difference));
  }
  return found;
}

std::vector<std::string> options_missing(const Usage& from, const Usage& in) {
  std::vector<std::string> symbols;
  const std::vector<KernelOption> theirs = kernel_options(in);
  for (const KernelOption& option : kernel_options(from)) {
    const bool is_in_both =
        std::ranges::any_of(theirs, [&](const KernelOption& other) { return other.symbol == option.symbol; });
    if (!is_in_both) symbols.push_back(option.symbol);
  }
  return symbols;
}

std::string change_text(const Difference& difference) {
  if (difference.in_a == 0) return "only in B";
  if (difference.in_b == 0) return "only in A";
  if (difference.in_b > difference.in_a) return fmt::format("+{}", difference.in_b - difference.in_a);
  if (difference.in_b < difference.in_a) return fmt::format("-{}", difference.in_a - difference.in_b);
  return "=";
}

std::string outcomes_text(const Difference& difference) {
  std::string text;
  if (!difference.outcomes_only_in_a.empty())
    text = fmt::format("A: {}", fmt::join(difference.outcomes_only_in_a, ", "));
  if (!difference.outcomes_only_in_b.empty())
    text += fmt::format("{}B: {}", text.empty() ? "" : "; ", fmt::join(difference.outcomes_only_in_b, ", "));
  return text;
}

void put_words(Json& json, std::string_view key, const std::vector<std::string>& words) {
  json.key(key).open_array(Json::Layout::inline_);
  for (const std::string& word : words) json.value(word);
  json.close();
}

void put_side(Json& json, std::string_view key, const Covered& covered, const Usage& whole) {
  json.key(key).open_object(Json::Layout::inline_);
  json.field("trace", covered.trace);
  put_words(json, "command", covered.command);
  json.field("complete", covered.is_complete);
  json.field("calls", whole.count());
  json.close();
}

}  // namespace

Document diff_document(const Covered& a, const Covered& b) {
  const Usage in_a = a.whole();
  const Usage in_b = b.whole();
  Document document{.title = "Difference of kernel coverage", .sections = {}};
  Section sides{.heading = {}, .paragraphs = {}, .bars = {}, .table = {}};
  sides.paragraphs.push_back(fmt::format("A: {} ({} calls)", shell_quoted(a.command), in_a.count()));
  sides.paragraphs.push_back(fmt::format("B: {} ({} calls)", shell_quoted(b.command), in_b.count()));
  document.sections.push_back(std::move(sides));

  Section calls{.heading = "System calls that differ", .paragraphs = {}, .bars = {}, .table = {}};
  calls.table = {{left, right, right, right, left, left, left},
                 {"System call", "A", "B", "Change", "Subsystem", "Entry point", "Outcomes in one only"},
                 {}};
  for (const Difference& difference : differences(in_a, in_b))
    calls.table.rows.push_back({difference.facts.name, fmt::format("{}", difference.in_a),
                                fmt::format("{}", difference.in_b), change_text(difference),
                                difference.facts.subsystem, difference.facts.entry,
                                outcomes_text(difference)});
  if (calls.table.rows.empty()) {
    calls.table = {};
    calls.paragraphs.emplace_back("None: the same calls, as often, with the same outcomes.");
  }
  document.sections.push_back(std::move(calls));

  Section options{.heading = "Kernel options", .paragraphs = {}, .bars = {}, .table = {}};
  const std::vector<std::string> only_a = options_missing(in_a, in_b);
  const std::vector<std::string> only_b = options_missing(in_b, in_a);
  if (!only_a.empty())
    options.paragraphs.push_back(fmt::format("Only A requires {}", fmt::join(only_a, ", ")));
  if (!only_b.empty())
    options.paragraphs.push_back(fmt::format("Only B requires {}", fmt::join(only_b, ", ")));
  if (options.paragraphs.empty()) options.paragraphs.emplace_back("Both require the same.");
  document.sections.push_back(std::move(options));
  return document;
}

std::string diff_json(const Covered& a, const Covered& b) {
  const Usage in_a = a.whole();
  const Usage in_b = b.whole();
  Json json;
  json.open_object();
  put_side(json, "a", a, in_a);
  put_side(json, "b", b, in_b);
  json.key("calls").open_array();
  for (const Difference& difference : differences(in_a, in_b)) {
    json.open_object(Json::Layout::inline_);
    json.field("call", difference.facts.name);
    json.field("subsystem", difference.facts.subsystem);
    json.field("entry", difference.facts.entry);
    json.field("a", difference.in_a);
    json.field("b", difference.in_b);
    put_words(json, "outcomes_only_in_a", difference.outcomes_only_in_a);
    put_words(json, "outcomes_only_in_b", difference.outcomes_only_in_b);
    json.close();
  }
  json.close();
  put_words(json, "kernel_options_only_in_a", options_missing(in_a, in_b));
  put_words(json, "kernel_options_only_in_b", options_missing(in_b, in_a));
  json.close();
  return json.text();
}

}  // namespace rec::coverage

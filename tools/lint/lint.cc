// `rec lint`: habits that cost time or go wrong one day.
#include <fmt/format.h>

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "format/base/error.h"
#include "format/trace_reader.h"
#include "tools/commands.h"
#include "tools/display.h"
#include "tools/json.h"
#include "tools/lint/linter.h"
#include "tools/trace_store.h"

namespace rec {
namespace {

using lint::Finding;
using lint::Linter;

enum class Format : std::uint8_t { text, json };

struct LintCommand {
  std::string trace;
  lint::Thresholds thresholds;
  Format format = Format::text;
};

// A script on a command line would fill the screen.
std::string shortened(std::string text) {
  constexpr std::size_t longest = 60;
  if (text.size() <= longest) return text;
  std::size_t end = longest;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
    --end;  // within a UTF-8 character
  return text.substr(0, end) + "…";
}

std::string process_text(const Linter& linter, const Finding& finding) {
  const RecordedProcess& process = linter.processes()[finding.process];
  return fmt::format("pid {}, {}", process.pid, shortened(shell_quoted(process.command)));
}

std::string text_report(const Linter& linter, const std::vector<Finding>& findings) {
  std::string out;
  std::optional<lint::Kind> kind;
  for (const Finding& finding : findings) {
    if (finding.kind != kind) {
      out += fmt::format("{}{}: {}\n", out.empty() ? "" : "\n", kind_name(finding.kind),
                         kind_advice(finding.kind));
      kind = finding.kind;
    }
    out += fmt::format("  {} times, {:.3f} ms", finding.count, static_cast<double>(finding.cost_ns) / 1e6);
    if (!finding.subject.empty()) out += ": " + printable(finding.subject);
    if (!finding.detail.empty()) out += " (" + finding.detail + ")";
    out += fmt::format("; {}\n    event {}", process_text(linter, finding), finding.example);
    out += finding.example_text.empty() ? "\n" : fmt::format(": {}\n", printable(finding.example_text));
  }
  if (out.empty()) out = "nothing found\n";
  return out;
}

std::string json_report(const Linter& linter, const std::vector<Finding>& findings, const std::string& trace,
                        bool is_complete) {
  Json json;
  json.open_object();
  json.field("trace", trace);
  json.field("complete", is_complete);
  json.key("findings").open_array();
  for (const Finding& finding : findings) {
    const RecordedProcess& process = linter.processes()[finding.process];
    json.open_object(Json::Layout::inline_);
    json.field("kind", kind_name(finding.kind));
    json.field("pid", process.pid.value());
    json.field("command", shell_quoted(process.command));
    json.field("subject", finding.subject);
    json.field("count", finding.count);
    json.field("cost_ns", finding.cost_ns);
    json.field("detail", finding.detail);
    json.field("example_event", finding.example.value());
    json.field("example", finding.example_text);
    json.close();
  }
  json.close();
  json.close();
  return json.text();
}

void run(const LintCommand& command) {
  const std::string path = resolve_trace(command.trace);
  TraceReader reader(path);
  Linter linter(command.thresholds, reader.header());
  std::optional<Error> damage;
  try {
    while (const Event* event = reader.next()) linter.add(*event);
  } catch (const Error& error) {
    damage = error;  // what comes before the damage is looked at all the same
  }
  // As far as the recording goes, and then why no further.
  if (!damage && !reader.summary()) damage.emplace(fmt::format("{}: {}", path, reader.why_incomplete()));
  const std::vector<Finding> findings = linter.findings();
  const std::string text = command.format == Format::json ? json_report(linter, findings, path, !damage)
                                                          : text_report(linter, findings);
  if (write_output(text) && damage) throw Error(*damage);
}

void add_options(CLI::App& app, LintCommand& command) {
  lint::Thresholds& least = command.thresholds;
  app.add_option("trace", command.trace, "The trace (default: the newest recording)")->type_name("TRACE");
  const auto threshold = [&app](const char* option, std::uint64_t& value, const char* what) {
    app.add_option(option, value, fmt::format("{} (default: {})", what, value))
        ->type_name("N")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 40));
  };
  threshold("--reopens", least.reopens, "Report files that a process opens, reads and closes N times");
  threshold("--clock-reads", least.clock_reads, "Report N readings of the time in a row");
  threshold("--tiny-calls", least.tiny_calls, "Report N tiny reads or writes of one file");
  threshold("--tiny-bytes", least.tiny_bytes, "Call transfers of N bytes or less tiny");
  threshold("--lookups", least.lookups, "Report N failing look-ups along search paths");
  threshold("--misses", least.misses, "Report N failing look-ups of one path");
  threshold("--syncs", least.syncs, "Report N fsyncs and the like in a process");
  threshold("--descriptors", least.descriptors, "Report N descriptors left open by a process");
  app.add_option("--format", command.format, "For people or for programs")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, Format>{{"text", Format::text}, {"json", Format::json}}))
      ->type_name("text|json");
}

}  // namespace

void add_lint(CLI::App& app) {
  CLI::App* lint = app.add_subcommand("lint", "Find habits in a trace that cost time or go wrong one day");
  const auto command = std::make_shared<LintCommand>();
  add_options(*lint, *command);
  lint->callback([command] { run(*command); });
}

}  // namespace rec

// `rec coverage`: which parts of the kernel a trace exercised.
#include <fmt/format.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "format/base/error.h"
#include "format/trace_reader.h"
#include "tools/commands.h"
#include "tools/coverage/report.h"
#include "tools/display.h"
#include "tools/trace_store.h"

namespace rec {
namespace {

using coverage::Covered;
using coverage::Document;

enum class Format : std::uint8_t { text, markdown, json, html };

struct CoverageCommand {
  std::string trace;
  std::vector<std::string> compared;  // empty, or two
  Format format = Format::text;
  bool by_process = false;
  bool names_missing = false;
};

Covered read_trace(const std::string& name, bool by_process, std::optional<Error>& damage) {
  const std::string path = resolve_trace(name);
  TraceReader reader(path);
  coverage::Survey survey(by_process, reader.header());
  std::optional<Error> problem;
  try {
    while (const Event* event = reader.next()) survey.add(*event);
  } catch (const Error& error) {
    problem = error;  // what comes before the damage is counted and shown all the same
  }
  // As far as the recording goes, and then why no further.
  if (!problem && !reader.summary()) problem.emplace(fmt::format("{}: {}", path, reader.why_incomplete()));
  if (problem) damage = problem;
  return {.trace = path,
          .command = reader.header().command,
          .is_complete = !problem,
          .usages = survey.usages(),
          .events = survey.events()};
}

std::string shown(const Document& document, Format format) {
  switch (format) {
    case Format::text:
      return coverage::as_text(document);
    case Format::markdown:
      return coverage::as_markdown(document);
    case Format::html:
      return coverage::as_html(document);
    case Format::json:
      break;  // not made of a document
  }
  return {};
}

void run(const CoverageCommand& command) {
  std::optional<Error> damage;
  std::string text;
  if (!command.compared.empty()) {
    const Covered a = read_trace(command.compared[0], false, damage);
    const Covered b = read_trace(command.compared[1], false, damage);
    text = command.format == Format::json ? coverage::diff_json(a, b)
                                          : shown(coverage::diff_document(a, b), command.format);
  } else {
    const Covered covered = read_trace(command.trace, command.by_process, damage);
    // A page is for looking things up; a terminal shows 300 names only to who asks for them.
    const bool names_missing = command.names_missing || command.format == Format::html;
    text = command.format == Format::json
               ? coverage::coverage_json(covered)
               : shown(coverage::coverage_document(covered, names_missing), command.format);
  }
  if (write_output(text) && damage) throw Error(*damage);
}

void add_options(CLI::App& app, CoverageCommand& command) {
  app.add_option("trace", command.trace, "The trace (default: the newest recording)")->type_name("TRACE");
  app.add_option("--diff", command.compared, "Compare two traces instead")->type_name("TRACE")->expected(2);
  app.add_option("--by", command.by_process, "One table of calls, or one for each process")
      ->transform(CLI::CheckedTransformer(std::map<std::string, bool>{{"trace", false}, {"process", true}}))
      ->type_name("trace|process");
  app.add_flag("--missing", command.names_missing,
               "Name the calls that were not exercised, and the error paths that were not seen");
  app.add_option("--format", command.format, "For people or for programs (json has everything)")
      ->transform(CLI::CheckedTransformer(std::map<std::string, Format>{{"text", Format::text},
                                                                        {"markdown", Format::markdown},
                                                                        {"json", Format::json},
                                                                        {"html", Format::html}}))
      ->type_name("text|markdown|json|html");
}

}  // namespace

void add_coverage(CLI::App& app) {
  CLI::App* coverage = app.add_subcommand("coverage", "Show which kernel subsystems a trace exercised");
  const auto command = std::make_shared<CoverageCommand>();
  add_options(*coverage, *command);
  coverage->callback([command] { run(*command); });
}

}  // namespace rec

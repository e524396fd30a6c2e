// `rec stat`: how often, how long, how much: statistics of a trace's system calls.
#include <fmt/format.h>

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "format/base/error.h"
#include "format/trace_reader.h"
#include "tools/commands.h"
#include "tools/display.h"
#include "tools/stat/report.h"
#include "tools/trace_store.h"

namespace rec {
namespace {

using stat::By;
using stat::Format;

struct StatCommand {
  stat::Options options;
  std::string trace;
  std::string sort;
  std::string columns;
};

std::string report(const stat::Result& result, const stat::Options& options, const stat::Subject& subject) {
  switch (options.format) {
    case Format::text:
      return stat::text_report(result, options);
    case Format::json:
      return stat::json_report(result, options, subject);
    case Format::csv:
      return stat::csv_report(result, options);
  }
  return {};
}

void run(const StatCommand& command) {
  const std::string path = resolve_trace(command.trace);
  TraceReader reader(path);
  stat::Statistics statistics(command.options, reader.header());
  std::optional<Error> damage;
  try {
    while (const Event* event = reader.next()) statistics.add(*event);
  } catch (const Error& error) {
    damage = error;  // what comes before the damage is counted and shown all the same
  }
  // As far as the recording goes, and then why no further.
  if (!damage && !reader.summary()) damage.emplace(fmt::format("{}: {}", path, reader.why_incomplete()));
  const stat::Subject subject{.trace = path, .command = reader.header().command, .is_complete = !damage};
  if (write_output(report(statistics.result(), command.options, subject)) && damage) throw Error(*damage);
}

void add_options(CLI::App& app, StatCommand& command) {
  stat::Options& options = command.options;
  app.add_option("trace", command.trace, "The trace (default: the newest recording)")->type_name("TRACE");
  app.add_option("--by", options.by,
                 "One table of calls, or one for each task or process; or a line for each file")
      ->transform(CLI::CheckedTransformer(std::map<std::string, By>{
          {"call", By::call}, {"task", By::task}, {"process", By::process}, {"file", By::file}}))
      ->type_name("call|task|process|file");
  app.add_option(
         "-S", command.sort,
         "Sort by this column: time (default), calls, errors, name, min-time, max-time, avg-time, stddev, "
         "p50, p95, p99, read, written; or none")
      ->type_name("COLUMN");
  app.add_option("-U", command.columns, "Show these columns, separated by commas")->type_name("COLUMNS");
  app.add_flag("--errors", options.errors, "Also show which errors there were");
  app.add_option("--longest", options.longest, "Also show the N calls that took longest")
      ->type_name("N")
      ->check(CLI::Range(std::size_t{0}, std::size_t{100'000}));
  app.add_option("--format", options.format, "For people or for programs (json and csv have every column)")
      ->transform(CLI::CheckedTransformer(std::map<std::string, Format>{
          {"text", Format::text}, {"json", Format::json}, {"csv", Format::csv}}))
      ->type_name("text|json|csv");
}

}  // namespace

void add_stat(CLI::App& app) {
  CLI::App* stat =
      app.add_subcommand("stat", "Count the system calls of a trace, as strace -c and perf trace -s do");
  const auto command = std::make_shared<StatCommand>();
  add_options(*stat, *command);
  stat->callback([command] {
    if (!command->sort.empty()) command->options.sort = stat::sort_named(command->sort);
    if (!command->columns.empty()) command->options.columns = stat::columns_named(command->columns);
    run(*command);
  });
}

}  // namespace rec

// `rec diff`: where two recordings of the same command part.
#include <fmt/format.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <string>

#include "format/base/error.h"
#include "format/trace_reader.h"
#include "tools/commands.h"
#include "tools/diff/report.h"
#include "tools/display.h"
#include "tools/trace_store.h"

namespace rec {
namespace {

enum class Format : std::uint8_t { text, json };

struct DiffCommand {
  std::string a;
  std::string b;
  std::string calls;
  diff::Options options;
  Format format = Format::text;
};

// The exit status, as diff(1) has it.
int run(const DiffCommand& command) {
  diff::Compared compared{
      .path_a = resolve_trace(command.a), .path_b = resolve_trace(command.b), .hunks = {}};
  TraceReader a(compared.path_a);
  TraceReader b(compared.path_b);
  diff::Alignment alignment({a, compared.path_a}, {b, compared.path_b}, command.options);
  compared.hunks = alignment.run();
  const bool is_whole = !alignment.problem_of_a() && !alignment.problem_of_b();
  // "No difference" is for recordings that were read to their ends.
  if (is_whole || !compared.hunks.empty() || command.format == Format::json) {
    const bool is_read =
        write_output(command.format == Format::json
                         ? diff::json_report(compared, alignment)
                         : diff::text_report(compared, alignment, ::isatty(STDOUT_FILENO) == 1));
    if (!is_read) return compared.hunks.empty() ? 0 : 1;
  }
  if (alignment.problem_of_a()) throw Error(*alignment.problem_of_a());
  if (alignment.problem_of_b()) throw Error(*alignment.problem_of_b());
  return compared.hunks.empty() ? 0 : 1;
}

void add_options(CLI::App& app, DiffCommand& command) {
  app.add_option("a", command.a, "A recording")->required()->type_name("A");
  app.add_option("b", command.b, "Another recording of the same command")->required()->type_name("B");
  app.add_flag("--all", command.options.all, "Show all differences, not only the first");
  app.add_option("--context", command.options.context, "Show N lines before and after (default: 4)")
      ->type_name("N")
      ->check(CLI::Range(std::size_t{0}, std::size_t{1000}));
  app.add_option("-s", command.options.string_limit, "Show N bytes of strings (default: 32)")->type_name("N");
  app.add_option(
         "-e", command.calls,
         "Compare these calls, as rec dump -e trace= (default: all but those whose number says little: "
         "futex, clocks, memory without a file)")
      ->type_name("trace=CALLS");
  app.add_option("--format", command.format, "For people or for programs")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, Format>{{"text", Format::text}, {"json", Format::json}}))
      ->type_name("text|json");
}

}  // namespace

void add_diff(CLI::App& app, int* exit_status) {
  CLI::App* diff = app.add_subcommand("diff", "Show where two recordings of the same command part");
  const auto command = std::make_shared<DiffCommand>();
  add_options(*diff, *command);
  diff->callback([command, exit_status] {
    if (!command->calls.empty()) command->options.calls = dump::CallFilter(command->calls);
    *exit_status = run(*command);
  });
}

}  // namespace rec

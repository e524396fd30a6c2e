// `rec verify`: reads a trace to its last byte and says whether all of it is sound.
#include <memory>
#include <string>

#include "format/base/error.h"
#include "format/trace_reader.h"
#include "tools/commands.h"
#include "tools/display.h"
#include "tools/trace_store.h"

namespace rec {
namespace {

int verify(const std::string& name) {
  const std::string path = resolve_trace(name);
  TraceReader reader(path);
  const auto problems = reader.verify();
  std::string text;
  for (const std::string& problem : problems) text += printable(problem) + "\n";
  if (problems.empty()) {
    text = fmt::format("{}: sound, {} events in {} chunks, format {}{}\n", printable(path),
                       reader.event_count(), reader.sizes().chunks, reader.header().format_version,
                       reader.summary() ? "" : "; " + reader.why_incomplete());
  }
  (void)write_output(text);
  return problems.empty() ? 0 : 1;
}

}  // namespace

void add_verify(CLI::App& app, int* exit_status) {
  auto name = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("verify", "Check that a trace is whole and undamaged");
  command->add_option("trace", *name, "The trace (default: the newest recording)")->type_name("TRACE");
  command->callback([name, exit_status] { *exit_status = verify(*name); });
}

}  // namespace rec

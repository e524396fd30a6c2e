#include "tools/replay.h"

#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "format/base/error.h"
#include "replayer/divergence.h"
#include "replayer/replayer.h"
#include "tools/exit_as.h"
#include "tools/trace_store.h"

namespace rec {
namespace {

constexpr int exit_diverged = 3;

struct Arguments {
  std::string trace;
  bool autopilot = false;
};

int run(const Arguments& arguments) {
  if (!arguments.autopilot) {
    fail(
        "interactive debugging of a replay is not there yet: use ‘rec replay --autopilot’ to re-execute the "
        "recording to "
        "its end");
  }
  const std::string path = resolve_trace(arguments.trace);
  TraceReader reader(path);
  reader.read_ahead();
  std::optional<int> wait_status;
  std::uint64_t replayed = 0;
  {
    Replayer replayer(reader, {});
    replayer.run_to_end();
    wait_status = replayer.wait_status();
    replayed = replayer.next_event().value();
  }
  if (reader.summary()) wait_status = reader.summary()->wait_status;
  if (!wait_status) {
    fail(
        "{}: the recording breaks off after event {} (rec was killed while it recorded): replayed up to "
        "there",
        path, replayed);
  }
  die_as(*wait_status);
  return exit_status_of(*wait_status);
}

}  // namespace

void add_replay(CLI::App& app, int* exit_status) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("replay", "Re-execute a recording exactly, without side effects");
  command->add_flag("--autopilot", arguments->autopilot, "Run to the end of the recording");
  command->add_option("trace", arguments->trace, "The trace (default: the newest recording)")
      ->type_name("TRACE");
  command->callback([arguments, exit_status] {
    try {
      *exit_status = run(*arguments);
    } catch (const Divergence& divergence) {
      (void)std::fflush(stdout);
      (void)std::fprintf(stderr, "rec: %s\n", divergence.what());
      *exit_status = exit_diverged;
    }
  });
}

}  // namespace rec

#include "tools/record.h"

#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "format/base/error.h"
#include "recorder/recorder.h"
#include "tools/exit_as.h"
#include "tools/trace_store.h"

namespace rec {
namespace {

struct Arguments {
  std::string output;
  std::vector<std::string> command;
  bool quiet = false;
  bool no_agent = false;
};

// What a shell says of a command that it cannot run: 127 not found, 126 found but not runnable.
class CannotRun : public Error {
 public:
  CannotRun(const std::string& program, int errno_value)
      : Error(fmt::format("cannot run ‘{}’: {}", program, errno_text(errno_value)), errno_value) {}
};

int run(const Arguments& arguments, const InheritedSignals& signals) {
  RecordOptions options;
  options.command = arguments.command;
  options.signals = signals;
  options.quiet = arguments.quiet;
  options.agent = !arguments.no_agent;
  options.under_filter = under_foreign_filter();
  int error = 0;
  const auto executable = find_executable(arguments.command.front(), &error);
  if (!executable) throw CannotRun(arguments.command.front(), error);
  options.executable = *executable;
  const std::string path =
      arguments.output.empty() ? new_recording(arguments.command.front()) : arguments.output;
  TraceWriter writer(path, describe_recording(options));
  RecordResult result;
  try {
    result = record(options, writer);
  } catch (const ExecFailed& failed) {
    ::unlink(path.c_str());
    throw CannotRun(arguments.command.front(), failed.errno_value());
  }
  if (!options.quiet) (void)std::fprintf(stderr, "rec: recorded to %s\n", path.c_str());
  die_as(result.wait_status);
  return exit_status_of(result.wait_status);
}

}  // namespace

void add_record(CLI::App& app, const InheritedSignals& signals, int* exit_status) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("record", "Run a program and record it");
  command
      ->add_option("-o,--output", arguments->output,
                   "Write the trace to FILE (default: a new one in the trace directory)")
      ->type_name("FILE");
  command->add_flag("-q,--quiet", arguments->quiet, "No remarks on standard error");
  command->add_flag("--no-agent", arguments->no_agent,
                    "Stop the program at every system call: slower, and nothing of rec's runs inside it");
  command->add_option("command", arguments->command, "The program and its arguments")
      ->required()
      ->type_name("PROGRAM");
  command->positionals_at_end();
  command->prefix_command(false);
  command->callback([arguments, signals, exit_status] {
    try {
      *exit_status = run(*arguments, signals);
    } catch (const CannotRun& error) {
      (void)std::fprintf(stderr, "rec: %s\n", error.what());
      *exit_status = error.errno_value() == ENOENT ? 127 : 126;
    }
  });
}

}  // namespace rec

#include "tools/record.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
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
int status_of(const CannotRun& error) { return error.errno_value() == ENOENT ? 127 : 126; }

int run(const Arguments& arguments, const InheritedSignals& signals) {
  const int wait_status = record_program({.command = arguments.command,
                                          .signals = signals,
                                          .quiet = arguments.quiet,
                                          .uses_agent = !arguments.no_agent},
                                         arguments.output);
  die_as(wait_status);
  return exit_status_of(wait_status);
}

}  // namespace

int record_program(const RecordRequest& request, const std::string& path) {
  RecordOptions options;
  options.command = request.command;
  options.signals = request.signals;
  options.quiet = request.quiet;
  options.agent = request.uses_agent;
  options.under_filter = under_foreign_filter();
  options.snap_bulk = std::max(options.snap_bulk, request.least_data);
  if (request.whole_data) options.snap_bulk = std::numeric_limits<std::uint32_t>::max();
  int error = 0;
  const auto executable = find_executable(request.command.front(), &error);
  if (!executable) throw CannotRun(request.command.front(), error);
  options.executable = *executable;
  const std::string file = path.empty() ? new_recording(request.command.front()) : path;
  TraceWriter writer(file, describe_recording(options));
  RecordResult result;
  try {
    result = record(options, writer);
  } catch (const ExecFailed& failed) {
    ::unlink(file.c_str());
    throw CannotRun(request.command.front(), failed.errno_value());
  }
  if (!options.quiet) (void)std::fprintf(stderr, "rec: recorded to %s\n", file.c_str());
  return result.wait_status;
}

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
      *exit_status = status_of(error);
    }
  });
}

}  // namespace rec

#include "tools/strace.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "format/base/error.h"
#include "format/base/unique_fd.h"
#include "tools/dump/command_line.h"
#include "tools/dump/dump_trace.h"
#include "tools/exit_as.h"
#include "tools/record.h"

namespace rec {
namespace {

struct Command {
  dump::CommandLine line;
  std::vector<std::string> program;
  std::string keep;
};

// A recording that is gone when it has been printed.
class TemporaryTrace {
 public:
  TemporaryTrace() {
    const char* directory = std::getenv("TMPDIR");
    path_ =
        std::string(directory != nullptr && *directory != '\0' ? directory : "/tmp") + "/rec-strace-XXXXXX";
    const UniqueFd file(::mkstemp(path_.data()));
    if (!file.is_open()) fail_with_errno("cannot create a temporary trace " + path_);
  }
  ~TemporaryTrace() { (void)::unlink(path_.c_str()); }
  TemporaryTrace(const TemporaryTrace&) = delete;
  TemporaryTrace& operator=(const TemporaryTrace&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

int record_and_print(const Command& command, const InheritedSignals& signals,
                     const dump::DumpOptions& options, const std::string& path) {
  // What is to be printed has to be recorded: -s beyond the recorder's own limit for data.
  const RecordRequest request{.command = command.program,
                              .signals = signals,
                              .quiet = true,
                              .least_data = options.string_limit,
                              .whole_data = options.dumps_data};
  const int wait_status = record_program(request, path);
  dump::dump_trace(path, options, dump::Stream::standard_error);
  return wait_status;
}

int run(const Command& command, const InheritedSignals& signals) {
  dump::DumpOptions options = command.line.options();
  options.selection.first_task_only = !command.line.follows_forks();
  if (!command.keep.empty()) {
    const int wait_status = record_and_print(command, signals, options, command.keep);
    die_as(wait_status);
    return exit_status_of(wait_status);
  }
  int wait_status = 0;
  {
    const TemporaryTrace trace;
    wait_status = record_and_print(command, signals, options, trace.path());
  }
  die_as(wait_status);
  return exit_status_of(wait_status);
}

}  // namespace

void add_strace(CLI::App& app, const InheritedSignals& signals, int* exit_status) {
  const auto arguments = std::make_shared<Command>();
  CLI::App* command =
      app.add_subcommand("strace", "Run a program and print its system calls, with strace's options");
  arguments->line.add_strace_options(*command);
  command->add_option("--keep", arguments->keep, "Write the recording to this file, and keep it")
      ->type_name("FILE");
  command->add_option("command", arguments->program, "The program and its arguments")
      ->required()
      ->type_name("PROGRAM");
  command->positionals_at_end();
  command->prefix_command(false);
  command->callback([arguments, signals, exit_status] {
    try {
      *exit_status = run(*arguments, signals);
    } catch (const CannotRun& error) {
      (void)std::fprintf(stderr, "rec: %s\n", error.what());
      *exit_status = 1;  // strace(1), "EXIT STATUS"
    }
  });
}

}  // namespace rec

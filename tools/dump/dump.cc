// `rec dump`: the text of a trace, in strace's format.
#include <unistd.h>

#include <memory>
#include <string>

#include "tools/commands.h"
#include "tools/dump/command_line.h"
#include "tools/dump/dump_trace.h"
#include "tools/trace_store.h"

namespace rec {

void add_dump(CLI::App& app) {
  struct Command {
    dump::CommandLine line;
    std::string trace;
  };
  CLI::App* dump = app.add_subcommand("dump", "Print the system calls of a trace as strace does");
  const auto command = std::make_shared<Command>();
  dump->add_option("TRACE", command->trace,
                   "The trace: a file, or the name of a recording (default: the latest one)");
  command->line.add_strace_options(*dump);
  command->line.add_selection_options(*dump);
  dump->callback([command] {
    const dump::DumpOptions options = command->line.options();
    dump::dump_trace(resolve_trace(command->trace), options, dump::Stream::standard_output);
  });
}

}  // namespace rec

// `rec dump`: the text of a trace, in strace's format.
#include <csignal>
#include <memory>
#include <optional>
#include <string>

#include "format/base/error.h"
#include "format/trace_reader.h"
#include "tools/commands.h"
#include "tools/dump/dumper.h"
#include "tools/dump/sink.h"
#include "tools/trace_store.h"

namespace rec {
namespace {

using dump::DumpOptions;
using dump::TimeStamp;

constexpr std::size_t most_string_bytes = std::size_t{1} << 30;

struct DumpCommand {
  DumpOptions options;
  std::string trace;
  std::int32_t pid = 0;
  int times = 0;  // how often -t was given
  bool relative = false;
};

TimeStamp time_stamp(const DumpCommand& command) {
  if (command.relative) return TimeStamp::relative;
  if (command.times == 0) return TimeStamp::none;
  if (command.times == 1) return TimeStamp::clock;
  return command.times == 2 ? TimeStamp::clock_micros : TimeStamp::epoch_micros;
}

void dump_trace(const DumpCommand& command) {
  TraceReader reader(resolve_trace(command.trace));
  dump::Dumper dumper(command.options, reader.header());
  dump::Sink sink(command.options.output);
  // A reader that goes away (rec dump | head) is no failure: the write says EPIPE.
  (void)std::signal(SIGPIPE, SIG_IGN);
  try {
    while (const Event* event = reader.next()) {
      dumper.add(*event, sink.text());
      if (!sink.line_done()) return;
    }
  } catch (const Error&) {
    // What comes before the damage stands before the message about it.
    (void)sink.flush();
    throw;
  }
  (void)sink.flush();
}

void add_options(CLI::App& app, const std::shared_ptr<DumpCommand>& command) {
  DumpOptions& options = command->options;
  app.add_option("TRACE", command->trace,
                 "The trace: a file, or the name of a recording (default: the latest one)");
  app.add_option("-s", options.string_limit, "Bytes of a string, and elements of an array, that are shown")
      ->check(CLI::Range(std::size_t{0}, most_string_bytes))
      ->capture_default_str();
  app.add_flag_callback(
      "-f", [] {}, "Accepted because strace has it: all processes are always shown");
  app.add_option("-o", options.output, "Write to this file instead of standard output")->type_name("FILE");
  app.add_flag("-r", command->relative, "Print the time since the line before");
  app.add_flag("-t", command->times,
               "Print the time of day; -tt with microseconds; -ttt as seconds since 1970");
  app.add_flag("-T", options.durations, "Print how long each call took");
  app.add_option("-e", options.calls, "trace=LIST: only these calls (names, %classes; a leading ! excludes)")
      ->type_name("EXPR")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.add_option("--pid", command->pid, "Only this process, or this thread")->type_name("N");
  app.add_flag("--traps", options.traps,
               "Also print trapped instructions (rdtsc), which strace does not see");
}

}  // namespace

void add_dump(CLI::App& app) {
  CLI::App* dump = app.add_subcommand("dump", "Print the system calls of a trace as strace does");
  const auto command = std::make_shared<DumpCommand>();
  add_options(*dump, command);
  dump->callback([command, dump] {
    command->options.time_stamp = time_stamp(*command);
    if (dump->count("--pid") > 0) command->options.pid = command->pid;
    dump_trace(*command);
  });
}

}  // namespace rec

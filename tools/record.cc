#include "tools/record.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "format/base/error.h"
#include "recorder/recorder.h"
#include "tools/display.h"
#include "tools/exit_as.h"
#include "tools/progress.h"
#include "tools/trace_store.h"
#include "tracee/filter.h"

namespace rec {
namespace {

// Below this, not even the first chunks and the index would fit.
constexpr std::uint64_t least_max_size = 64 << 10;

struct Arguments {
  RecordRequest request;
  std::string output;
  double slice_ms = 50;
  bool chaos = false;
  std::optional<std::uint64_t> seed;
  std::string cpu_baseline = "native";
  bool no_agent = false;
};

// What a shell says of a command that it cannot run: 127 not found, 126 found but not runnable.
int status_of(const CannotRun& error) { return error.errno_value() == ENOENT ? 127 : 126; }

int run(Arguments arguments, const InheritedSignals& signals) {
  arguments.request.signals = signals;
  // Under chaos, every call is to be a chance for another thread.
  arguments.request.uses_agent = !arguments.no_agent && !arguments.chaos;
  arguments.request.slice_ns = static_cast<std::uint64_t>(arguments.slice_ms * 1e6);
  arguments.request.cpu_baseline = cpu_baseline(arguments.cpu_baseline).value();
  if (arguments.chaos)
    arguments.request.chaos_seed = arguments.seed ? *arguments.seed : std::random_device()();
  const int wait_status = record_program(arguments.request, arguments.output);
  die_as(wait_status);
  return exit_status_of(wait_status);
}

bool succeeded(int wait_status) { return WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0; }

// Not a device (-o /dev/null).
void delete_trace(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode)) (void)::unlink(path.c_str());
}

// What was recorded, in one line.
std::string summary_of(const RecordResult& result, const TraceWriter& writer, const std::string& path) {
  const std::string ended =
      result.why_ended_early ? fmt::format("; it ends before the program: {}", *result.why_ended_early) : "";
  return fmt::format("recorded to {}: {} events, {}, {}, of which {} are the program's own{}", path,
                     result.events, human_size(writer.bytes_written()), human_duration(result.wall_ns),
                     human_duration(result.program_cpu_ns), ended);
}

RecordOptions options_of(const RecordRequest& request) {
  RecordOptions options;
  options.command = request.command;
  options.signals = request.signals;
  options.quiet = request.quiet;
  options.agent = request.uses_agent;
  options.slice_ns = request.slice_ns;
  options.chaos_seed = request.chaos_seed;
  options.tracers = request.tracers;
  options.cpu_baseline = request.cpu_baseline;
  options.under_filter = under_foreign_filter();
  options.snap_bulk = std::max(options.snap_bulk, request.least_data);
  if (request.whole_data) options.snap_bulk = std::numeric_limits<std::uint32_t>::max();
  options.without_content = request.without_content;
  options.max_event_bytes = request.max_event_bytes;
  int error = 0;
  const auto executable = find_executable(request.command.front(), &error);
  if (!executable) throw CannotRun(request.command.front(), error);
  options.executable = *executable;
  return options;
}

void add_options(CLI::App& command, RecordRequest& arguments) {
  command.add_flag("-q,--quiet", arguments.quiet, "No remarks on standard error");
  command.add_flag("--progress", arguments.progress,
                   "Show on standard error, if it is a terminal, how the recording grows");
  command.add_flag("--on-failure-only", arguments.on_failure_only,
                   "Delete the trace when the program ends with status 0");
  command
      .add_option("--keep", arguments.keep,
                  "Afterwards keep the newest N recordings of the trace directory only")
      ->type_name("N")
      ->check(CLI::PositiveNumber)
      ->excludes(command.get_option("--output"));
  command.add_flag("--no-content", arguments.without_content,
                   "Leave out the files that the program maps and reads: a small trace, not to be replayed");
  command
      .add_option("--max-size", arguments.max_size,
                  "End the recording, not the program, before the trace is larger than SIZE (K, M, G)")
      ->type_name("SIZE")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::Range(least_max_size, ~std::uint64_t{0}));
  command
      .add_option("--max-event-bytes", arguments.max_event_bytes,
                  "Keep at most SIZE bytes of what one call moves; replay ends at the first longer one")
      ->type_name("SIZE")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::PositiveNumber);
}

}  // namespace

int record_program(const RecordRequest& request, const std::string& path) {
  const RecordOptions options = options_of(request);
  const std::string file = path.empty() ? new_recording(request.command.front()) : path;
  TraceWriter writer(file, describe_recording(options), {.max_size = request.max_size});
  RecordResult result;
  try {
    const Progress progress(writer, request.progress);
    result = record(options, writer);
  } catch (const ExecFailed& failed) {
    delete_trace(file);
    throw CannotRun(request.command.front(), failed.errno_value());
  }
  const bool keeps = !request.on_failure_only || !succeeded(result.wait_status);
  if (!keeps) delete_trace(file);
  if (!options.quiet) {
    (void)std::fprintf(stderr, "rec: %s\n",
                       keeps ? summary_of(result, writer, file).c_str()
                             : "the program succeeded: its recording is not kept");
  }
  if (request.keep > 0) remove_old_recordings(request.keep);
  return result.wait_status;
}

void add_record(CLI::App& app, const InheritedSignals& signals, int* exit_status) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("record", "Run a program and record it");
  command
      ->add_option("-o,--output", arguments->output,
                   "Write the trace to FILE (default: a new one in the trace directory)")
      ->type_name("FILE");
  add_options(*command, arguments->request);
  command->add_flag("--no-agent", arguments->no_agent,
                    "Stop the program at every system call: slower, and nothing of rec's runs inside it");
  command
      ->add_option(
          "--slice", arguments->slice_ms,
          "How long a thread may compute without a system call while others, or a signal, wait for it "
          "(milliseconds; default 50)")
      ->type_name("MS")
      ->check(CLI::Range(0.1, 10'000.0));
  command
      ->add_option("--tracers", arguments->request.tracers,
                   "At most N threads of rec trace the program (default: as many as there are processors)")
      ->type_name("N")
      ->check(CLI::Range(std::size_t{1}, std::size_t{256}));
  CLI::Option* chaos = command->add_flag(
      "--chaos", arguments->chaos,
      "Run the threads of each process in random order and for random times, to bring out races");
  command
      ->add_option("--seed", arguments->seed,
                   "The random numbers of --chaos (default: new ones; rec info shows which)")
      ->type_name("N")
      ->needs(chaos);
  command
      ->add_option(
          "--cpu-baseline", arguments->cpu_baseline,
          "What the program is told of the processor, so that the recording can be replayed on others: "
          "x86-64, x86-64-v2, x86-64-v3, x86-64-v4 or native (default)")
      ->type_name("LEVEL")
      ->check(CLI::IsMember({"x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4", "native"}));
  command->add_option("command", arguments->request.command, "The program and its arguments")
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

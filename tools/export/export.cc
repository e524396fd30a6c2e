// `rec export`: what is in a trace, for other programs.
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "format/base/error.h"
#include "format/trace_reader.h"
#include "tools/commands.h"
#include "tools/display.h"
#include "tools/export/rootfs.h"
#include "tools/export/timeline_events.h"
#include "tools/trace_store.h"

namespace rec {
namespace {

enum class FileFormat : std::uint8_t { perfetto, chrome, folded, speedscope, sqlite };

struct Arguments {
  std::string trace;
  std::string rootfs;
  std::optional<FileFormat> format;
  std::string output;
};

void export_rootfs(const std::string& trace, const std::string& directory) {
  TraceReader reader(resolve_trace(trace));
  RootFileSystem root(reader);
  while (const Event* event = reader.next()) root.add(*event);
  if (::mkdir(directory.c_str(), 0755) != 0)
    fail_with_errno(fmt::format("cannot make the directory {}", directory));
  for (const char* mount_point : {"/proc", "/dev", "/sys", "/tmp", "/.rec-export"})
    if (::mkdir((directory + mount_point).c_str(), 0755) != 0)
      fail_with_errno(fmt::format("cannot make the directory {}{}", directory, mount_point));
  const std::string report =
      fmt::format("command: {}\ndirectory: {}\n\n", shell_quoted(reader.header().command),
                  printable(reader.header().working_directory)) +
      root.write_to(directory);
  FilePieces text;
  text.add(0, std::as_bytes(std::span(report)));
  text.write_to(directory + "/.rec-export/report.txt", report.size(), 0644);
  (void)write_output(
      fmt::format("{0}: what is missing is in {0}/.rec-export/report.txt. To run it again:\n  bwrap --bind "
                  "{0} / --proc /proc "
                  "--dev /dev --tmpfs /tmp --chdir {1} -- {2}\n",
                  shell_quoted({directory}), shell_quoted({reader.header().working_directory}),
                  shell_quoted(reader.header().command)));
}

std::unique_ptr<exports::Format> make_format(FileFormat format, const std::string& output,
                                             const TraceHeader& header) {
  switch (format) {
    case FileFormat::perfetto:
      return exports::perfetto_format(exports::TextOutput(output));
    case FileFormat::chrome:
      return exports::chrome_format(exports::TextOutput(output));
    case FileFormat::folded:
      return exports::folded_format(exports::TextOutput(output));
    case FileFormat::speedscope:
      return exports::speedscope_format(exports::TextOutput(output), header);
    case FileFormat::sqlite:
      return exports::sqlite_format(output, header);
  }
  return nullptr;
}

void export_timeline(const Arguments& arguments) {
  const std::string path = resolve_trace(arguments.trace);
  TraceReader reader(path);
  const auto format = make_format(*arguments.format, arguments.output, reader.header());
  exports::TimelineEvents events(*format);
  std::optional<Error> damage;
  try {
    while (const Event* event = format->is_wanted() ? reader.next() : nullptr) events.add(*event);
  } catch (const Error& error) {
    damage = error;  // what comes before the damage is exported all the same
  }
  format->finish();
  if (!format->is_wanted()) return;
  if (damage) throw Error(*damage);
  if (!reader.summary()) fail("{}: {}", path, reader.why_incomplete());
}

// What CLI11 cannot check: thrown as its own errors, for the same exit status.
void check(const Arguments& arguments) {
  if (arguments.rootfs.empty() == !arguments.format)
    throw CLI::ValidationError("export", "give either --format=FORMAT or --rootfs DIR");
  if (!arguments.rootfs.empty() && !arguments.output.empty())
    throw CLI::ValidationError("export", "--rootfs has its directory; -o is for --format");
  if (!arguments.output.empty() || !arguments.format) return;
  if (*arguments.format == FileFormat::sqlite)
    throw CLI::ValidationError("export", "--format=sqlite needs -o FILE: a database is no stream");
  if (*arguments.format == FileFormat::perfetto && ::isatty(STDOUT_FILENO) == 1)
    throw CLI::ValidationError("export", "--format=perfetto is not for terminals: give -o FILE");
}

}  // namespace

void add_export(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("export", "Take what a trace holds out for other programs");
  command->add_option("trace", arguments->trace, "The trace (default: the newest recording)")
      ->type_name("TRACE");
  command
      ->add_option("--format", arguments->format,
                   "Write tasks, calls and signals for ui.perfetto.dev, chrome://tracing, flame graphs, "
                   "speedscope.app or SQL")
      ->transform(
          CLI::CheckedTransformer(std::map<std::string, FileFormat>{{"perfetto", FileFormat::perfetto},
                                                                    {"chrome", FileFormat::chrome},
                                                                    {"folded", FileFormat::folded},
                                                                    {"speedscope", FileFormat::speedscope},
                                                                    {"sqlite", FileFormat::sqlite}}))
      ->type_name("perfetto|chrome|folded|speedscope|sqlite");
  command->add_option("-o", arguments->output, "With --format: write FILE instead of standard output")
      ->type_name("FILE");
  command
      ->add_option("--rootfs", arguments->rootfs,
                   "Make the new directory DIR with the files that the program used, as they were before")
      ->type_name("DIR");
  command->callback([arguments] {
    check(*arguments);
    if (arguments->format) return export_timeline(*arguments);
    export_rootfs(arguments->trace, arguments->rootfs);
  });
}

}  // namespace rec

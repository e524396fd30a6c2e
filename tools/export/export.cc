// `rec export`: what is in a trace, for other programs.
#include <sys/stat.h>

#include <memory>
#include <span>
#include <string>

#include "format/base/error.h"
#include "format/trace_reader.h"
#include "tools/commands.h"
#include "tools/display.h"
#include "tools/export/rootfs.h"
#include "tools/trace_store.h"

namespace rec {
namespace {

struct Arguments {
  std::string trace;
  std::string rootfs;
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

}  // namespace

void add_export(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("export", "Take what a trace holds out for other programs");
  command->add_option("trace", arguments->trace, "The trace (default: the newest recording)")
      ->type_name("TRACE");
  command
      ->add_option("--rootfs", arguments->rootfs,
                   "Make the new directory DIR with the files that the program used, as they were before")
      ->required()
      ->type_name("DIR");
  command->callback([arguments] { export_rootfs(arguments->trace, arguments->rootfs); });
}

}  // namespace rec

// `rec ls`: the recordings in the trace directory, newest first.
#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "format/base/error.h"
#include "format/trace_reader.h"
#include "tools/commands.h"
#include "tools/display.h"
#include "tools/trace_store.h"

namespace rec {
namespace {

constexpr std::uint64_t ns_per_s = 1'000'000'000;

struct Line {
  std::string name;
  std::uint64_t size = 0;
  std::uint64_t time_ns = 0;  // since the epoch
  std::string events = "-";
  std::string exit = "-";
  std::string command;
};

std::string name_of(const std::string& path) {
  const std::string file = path.substr(path.find_last_of('/') + 1);
  return file.substr(0, file.size() - std::string_view(".rec").size());
}

void read_trace(const std::string& path, Line& line) {
  const TraceReader reader(path);
  line.time_ns = reader.header().start_realtime_ns;
  line.events = fmt::format("{}", reader.event_count());
  line.command = shell_quoted(reader.header().command);
  if (reader.summary()) {
    line.exit = exit_text(reader.summary()->wait_status);
  } else {
    line.exit = reader.is_damaged() ? "damaged" : "cut off";
  }
}

// nullopt: the file has gone since the directory was read.
std::optional<Line> describe(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  Line line;
  line.name = printable(name_of(path));
  line.size = static_cast<std::uint64_t>(status.st_size);
  line.time_ns = static_cast<std::uint64_t>(status.st_mtim.tv_sec) * ns_per_s +
                 static_cast<std::uint64_t>(status.st_mtim.tv_nsec);
  try {
    read_trace(path, line);
  } catch (const Error& error) {
    line.exit = "damaged";
    line.command = fmt::format("({})", printable(error.what()));
  }
  return line;
}

void run() {
  std::vector<Line> lines;
  for (const std::string& path : all_recordings()) {
    if (auto line = describe(path)) lines.push_back(std::move(*line));
  }
  if (lines.empty()) {
    (void)std::fprintf(stderr, "rec: no recording yet in %s: make one with ‘rec record -- PROGRAM’\n",
                       trace_directory().c_str());
    return;
  }
  std::sort(lines.begin(), lines.end(), [](const Line& a, const Line& b) {
    return a.time_ns != b.time_ns ? a.time_ns > b.time_ns : a.name < b.name;
  });
  using enum Columns::Align;
  Columns columns({left, right, left, right, left, left});
  columns.add({"NAME", "SIZE", "RECORDED", "EVENTS", "EXIT", "COMMAND"});
  for (const Line& line : lines) {
    columns.add(
        {line.name, human_size(line.size), local_time(line.time_ns), line.events, line.exit, line.command});
  }
  (void)write_output(columns.text(output_width()));
}

}  // namespace

void add_ls(CLI::App& app) { app.add_subcommand("ls", "List the recordings, newest first")->callback(run); }

}  // namespace rec

// `rec ps`: the process tree of a trace.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "format/base/error.h"
#include "format/trace_reader.h"
#include "tools/commands.h"
#include "tools/display.h"
#include "tools/process_tree.h"
#include "tools/trace_store.h"

namespace rec {
namespace {

// Depth first without recursion: a chain of forks may be long.
std::vector<std::pair<std::size_t, std::size_t>> with_depth(const std::vector<RecordedProcess>& processes) {
  std::vector<std::pair<std::size_t, std::size_t>> order;  // place, depth
  std::vector<std::pair<std::size_t, std::size_t>> waiting;
  for (std::size_t i = processes.size(); i-- > 0;) {
    if (processes[i].parent == RecordedProcess::no_parent) waiting.emplace_back(i, 0);
  }
  while (!waiting.empty()) {
    const auto [place, depth] = waiting.back();
    waiting.pop_back();
    order.emplace_back(place, depth);
    const std::vector<std::size_t>& children = processes[place].children;
    for (auto child = children.rbegin(); child != children.rend(); ++child)
      waiting.emplace_back(*child, depth + 1);
  }
  return order;
}

std::string indented(const RecordedProcess& process, std::size_t depth) {
  constexpr std::size_t deepest = 40;
  // Without a command: the recording breaks off before the first exec.
  const std::string command = process.command.empty() ? "?" : shell_quoted(process.command);
  const bool is_copy = !process.executed && !process.command.empty();
  return std::string(2 * std::min(depth, deepest), ' ') + (is_copy ? "(forked) " : "") + command;
}

std::string table_of(const std::vector<RecordedProcess>& processes) {
  using enum Columns::Align;
  Columns columns({right, right, right, left, left});
  columns.add({"PID", "PPID", "THREADS", "EXIT", "COMMAND"});
  for (const auto& [place, depth] : with_depth(processes)) {
    const RecordedProcess& process = processes[place];
    const std::string parent =
        process.parent == RecordedProcess::no_parent ? "-" : fmt::format("{}", processes[process.parent].pid);
    columns.add({fmt::format("{}", process.pid), parent, fmt::format("{}", process.threads),
                 process.wait_status ? exit_text(*process.wait_status) : "-", indented(process, depth)});
  }
  return columns.text(output_width());
}

void run(const std::string& name) {
  const std::string path = resolve_trace(name);
  TraceReader reader(path);
  ProcessTree tree;
  std::optional<Error> damage;
  try {
    while (const Event* event = reader.next()) tree.add(*event);
  } catch (const Error& error) {
    damage = error;  // the processes seen until then are shown all the same
  }
  if (write_output(table_of(tree.processes())) && damage) throw Error(*damage);
}

}  // namespace

void add_ps(CLI::App& app) {
  auto name = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("ps", "Show the processes of a trace as a tree");
  command->add_option("trace", *name, "The trace (default: the newest recording)")->type_name("TRACE");
  command->callback([name] { run(*name); });
}

}  // namespace rec

// `rec info`: what a trace is about, without replaying it.
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "format/base/error.h"
#include "format/cpu_features.h"
#include "format/trace_reader.h"
#include "tools/call_names.h"
#include "tools/commands.h"
#include "tools/display.h"
#include "tools/trace_store.h"

namespace rec {
namespace {

constexpr std::size_t kinds = static_cast<std::size_t>(last_event_kind) + 1;

std::string name_of(EventKind kind) {
  switch (kind) {
    case EventKind::call:
      return "system calls";
    case EventKind::start:
      return "tasks started";
    case EventKind::begin:
      return "turns begun";
    case EventKind::exec:
      return "programs executed";
    case EventKind::signal:
      return "signals";
    case EventKind::trap:
      return "trapped instructions";
    case EventKind::stop:
      return "stops";
    case EventKind::exit:
      return "tasks ended";
    case EventKind::merge:
      return "domains merged";
    case EventKind::note:
      return "notes";
    case EventKind::memory:
      return "memory written during calls";
    case EventKind::agent:
      return "changes for the agent";
    case EventKind::point:
      return "points in user code";
    case EventKind::traced:
      return "stops for a tracer of the program's";
  }
  return "?";
}

// What all events together say.
struct Survey {
  std::array<std::uint64_t, kinds> by_kind{};
  std::array<std::uint64_t, kinds> by_agent{};   // of those, recorded inside the program
  std::map<std::int32_t, std::uint64_t> traced;  // the others, by number
  std::uint64_t tasks = 0;
  std::set<Pid> processes;
  std::set<ContentId> contents;
  std::uint64_t last_ns = 0;
  std::vector<std::string> notes;
  std::optional<Error> damage;  // what ended the reading
};

void count(const Event& event, Survey& survey) {
  ++survey.by_kind.at(static_cast<std::size_t>(event.kind));
  survey.last_ns = std::max(survey.last_ns, event.leave_ns);
  if ((event.flags & (event_by_agent | event_without_stop)) != 0) {
    ++survey.by_agent.at(static_cast<std::size_t>(event.kind));
  } else if (event.kind == EventKind::call) {
    ++survey.traced[event.nr];
  }
  if (event.kind == EventKind::start) {
    ++survey.tasks;
    if (event.extra != nullptr) survey.processes.insert(event.extra->pid);
  }
  if (event.extra == nullptr) return;
  for (const Mapping& mapping : event.extra->mappings) {
    if (mapping.content) survey.contents.insert(*mapping.content);
  }
  if (event.kind == EventKind::note)
    survey.notes.push_back(
        fmt::format("event {}, task {}: {}", event.number, event.tid, printable(event.extra->text)));
}

Survey survey_of(TraceReader& reader) {
  Survey survey;
  try {
    while (const Event* event = reader.next()) count(*event, survey);
  } catch (const Error& error) {
    survey.damage = error;
  }
  return survey;
}

std::string end_of(const TraceReader& reader) {
  if (!reader.summary()) return printable(reader.why_incomplete());
  const std::int32_t status = reader.summary()->wait_status;
  return (WIFSIGNALED(status) ? "killed by " : "exit status ") + exit_text(status);
}

std::string content_text(TraceReader& reader, const Survey& survey) {
  std::uint64_t blocks = 0;
  std::uint64_t bytes = 0;
  for (const ContentId id : survey.contents) {
    try {
      const Content& content = reader.content(id);
      blocks += content.blocks.size();
      bytes += content.size;
    } catch (const Error&) {
      continue;  // a damaged trace: it is said below
    }
  }
  return fmt::format("{} mapped or executed, {} long in total, {} blocks of them here",
                     survey.contents.size(), human_size(bytes), blocks);
}

// What the program could see of the processor, and so what a replay needs.
std::string processor_text(const TraceHeader& header) {
  if (header.cpu_features.empty()) return "what the program saw of its features is not in the trace";
  const FeatureSummary summary = summarise_features(header.cpu_features);
  std::string text(summary.level ? name_of(*summary.level) : "less than x86-64");
  for (const std::string& name : summary.beyond) text += " " + printable(name);
  if (header.cpu_baseline != name_of(CpuBaseline::native))
    text += fmt::format(" (--cpu-baseline {})", printable(header.cpu_baseline));
  return text;
}

void describe(TraceReader& reader, const Survey& survey, const std::string& path, Columns& columns) {
  const TraceHeader& header = reader.header();
  const TraceReader::Sizes sizes = reader.sizes();
  const std::uint64_t duration = reader.summary() ? reader.summary()->duration_ns : survey.last_ns;
  columns.add({"trace", printable(path)});
  columns.add({"command", shell_quoted(header.command)});
  columns.add({"executable", printable(header.executable)});
  columns.add({"directory", printable(header.working_directory)});
  columns.add({"recorded",
               fmt::format("{}, for {}", local_time(header.start_realtime_ns), human_duration(duration))});
  columns.add({"ended", end_of(reader)});
  columns.add(
      {"by", fmt::format("rec {}, trace format {}", printable(header.rec_version), header.format_version)});
  columns.add({"machine", fmt::format("{}, Linux {}, {}", printable(header.machine), printable(header.kernel),
                                      printable(header.cpu_model))});
  columns.add({"processor", processor_text(header)});
  if (header.chaos_seed) columns.add({"chaos", fmt::format("seed {}", *header.chaos_seed)});
  columns.add({"file", fmt::format("{}: {} of events, {} of file content and large data, {} chunks",
                                   human_size(reader.file_size()), human_size(sizes.events),
                                   human_size(sizes.content), sizes.chunks)});
  columns.add({"files", content_text(reader, survey)});
  const std::uint32_t tracers = reader.summary() ? reader.summary()->tracers : 1;
  const std::string traced_by = tracers > 1 ? fmt::format(", traced by {} threads", tracers) : "";
  columns.add(
      {"tasks", fmt::format("{} in {} processes{}", survey.tasks, survey.processes.size(), traced_by)});
  columns.add({"events", fmt::format("{}", reader.event_count())});
}

// The calls that stopped the program most often.
std::string most_traced(const Survey& survey) {
  constexpr std::size_t shown = 5;
  std::vector<std::pair<std::uint64_t, std::int32_t>> calls;
  for (const auto& [nr, count] : survey.traced) calls.emplace_back(count, nr);
  std::sort(calls.rbegin(), calls.rend());
  if (calls.size() > shown) calls.resize(shown);
  std::string text;
  for (const auto& [count, nr] : calls) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", call_name(nr), count);
  }
  return text;
}

void run(const std::string& name) {
  const std::string path = resolve_trace(name);
  TraceReader reader(path);
  const Survey survey = survey_of(reader);
  Columns columns({Columns::Align::left, Columns::Align::left});
  describe(reader, survey, path, columns);
  Columns counts({Columns::Align::right, Columns::Align::left});
  for (std::size_t kind = 0; kind < kinds; ++kind) {
    if (survey.by_kind[kind] == 0) continue;
    // 12 columns: the counts stand under the values above.
    std::string what(name_of(static_cast<EventKind>(kind)));
    const bool is_call = static_cast<EventKind>(kind) == EventKind::call;
    if (is_call || survey.by_agent[kind] != 0)
      what += fmt::format(": {} of them inside the program, {} with a stop", survey.by_agent[kind],
                          survey.by_kind[kind] - survey.by_agent[kind]);
    if (is_call && !survey.traced.empty()) what += fmt::format(" ({})", most_traced(survey));
    counts.add({fmt::format("{:>12}", survey.by_kind[kind]), what});
  }
  std::string text = columns.text() + counts.text();
  if (!survey.notes.empty()) text += "notes\n";
  for (const std::string& note : survey.notes) text += "  " + note + "\n";
  if (write_output(text) && survey.damage) throw Error(*survey.damage);
}

}  // namespace

void add_info(CLI::App& app) {
  auto name = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("info", "Show what a trace holds");
  command->add_option("trace", *name, "The trace (default: the newest recording)")->type_name("TRACE");
  command->callback([name] { run(*name); });
}

}  // namespace rec

// The reports of `rec stat` for programs: JSON and CSV.
#include <fmt/format.h>

#include "tools/call_names.h"
#include "tools/display.h"
#include "tools/json.h"
#include "tools/stat/report.h"

namespace rec::stat {
namespace {

std::string_view name_of(By by) {
  switch (by) {
    case By::call:
      return "call";
    case By::task:
      return "task";
    case By::process:
      return "process";
    case By::file:
      return "file";
  }
  return {};
}

void put_command(Json& json, const std::vector<std::string>& command) {
  json.key("command").open_array(Json::Layout::inline_);
  for (const std::string& argument : command) json.value(argument);
  json.close();
}

void put_row(Json& json, const Line& line, By by) {
  json.open_object(Json::Layout::inline_);
  json.field(by == By::file ? "file" : "call", line.name);
  json.field("calls", line.counts->calls);
  json.field("errors", line.counts->errors);
  json.field("total_ns", line.times.total);
  json.field("min_ns", line.times.min);
  json.field("avg_ns", line.times.mean);
  json.field("max_ns", line.times.max);
  json.field("stddev_ns", line.times.deviation);
  json.field("p50_ns", line.times.p50);
  json.field("p95_ns", line.times.p95);
  json.field("p99_ns", line.times.p99);
  json.field("bytes_read", line.counts->read);
  json.field("bytes_written", line.counts->written);
  json.key("errnos").open_object();
  for (const auto& [error, count] : line.counts->errnos) json.field(error_name(error), count);
  json.close();
  json.close();
}

void put_group(Json& json, const Group& group, const Options& options) {
  json.open_object();
  if (group.pid != Pid{}) json.field("pid", group.pid.value());
  if (group.tid != Tid{}) json.field("tid", group.tid.value());
  if (!group.command.empty()) put_command(json, group.command);
  json.key("rows").open_array();
  for (const Line& line : ordered_lines(group, options)) put_row(json, line, options.by);
  json.close();
  json.close();
}

std::string csv_quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + '"';
}

}  // namespace

std::string json_report(const Result& result, const Options& options, const Subject& subject) {
  Json json;
  json.open_object();
  json.field("trace", subject.trace);
  put_command(json, subject.command);
  json.field("complete", subject.is_complete);
  json.field("events", result.events);
  json.field("by", name_of(options.by));
  json.key("groups").open_array();
  for (const Group& group : result.groups) put_group(json, group, options);
  json.close();
  if (!result.longest.empty()) {
    json.key("longest").open_array();
    for (const LongCall& call : result.longest) {
      json.open_object(Json::Layout::inline_);
      json.field("duration_ns", call.duration_ns);
      json.field("event", call.event.value());
      json.field("tid", call.tid.value());
      json.field("text", call.text);
      json.close();
    }
    json.close();
  }
  json.close();
  return json.text();
}

std::string csv_report(const Result& result, const Options& options) {
  std::string out = fmt::format(
      "pid,tid,command,{},calls,errors,total_ns,min_ns,avg_ns,max_ns,stddev_ns,p50_ns,p95_ns,p99_ns,"
      "bytes_read,bytes_written,errnos\n",
      options.by == By::file ? "file" : "call");
  for (const Group& group : result.groups) {
    const std::string who = fmt::format("{},{},{},", group.pid != Pid{} ? fmt::format("{}", group.pid) : "",
                                        group.tid != Tid{} ? fmt::format("{}", group.tid) : "",
                                        csv_quoted(shell_quoted(group.command)));
    for (const Line& line : ordered_lines(group, options)) {
      const Distribution::Summary& times = line.times;
      std::string errors;
      for (const auto& [error, count] : line.counts->errnos)
        errors += fmt::format("{}{}:{}", errors.empty() ? "" : " ", error_name(error), count);
      out += who + fmt::format("{},{},{},{},{},{:.10g},{},{:.6g},{},{},{},{},{},{}\n", csv_quoted(line.name),
                               line.counts->calls, line.counts->errors, times.total, times.min, times.mean,
                               times.max, times.deviation, times.p50, times.p95, times.p99, line.counts->read,
                               line.counts->written, errors);
    }
  }
  return out;
}

}  // namespace rec::stat

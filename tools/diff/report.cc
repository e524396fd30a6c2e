#include "tools/diff/report.h"

#include <fmt/format.h>

#include "tools/display.h"
#include "tools/json.h"

namespace rec::diff {
namespace {

std::string tid_text(const std::optional<Tid>& tid) {
  return tid ? fmt::format("{}", *tid) : std::string("not there");
}

std::string task_text(const Hunk& hunk, const Alignment& alignment) {
  const TaskPair& task = alignment.task(hunk.place);
  const std::string command = task.command.empty() ? "" : ", " + task.command;
  return fmt::format("task {} ({} in A, {} in B{})", alignment.path_of(hunk.place), tid_text(task.a),
                     tid_text(task.b), command);
}

std::string event_text(const std::vector<Line>& lines) {
  return lines.empty() ? std::string("–") : fmt::format("{}", lines.front().event);
}

std::string what_differs(const Hunk& hunk) {
  const Difference& difference = hunk.difference;
  const std::string both =
      fmt::format("\n    A: {}\n    B: {}", printable(difference.a), printable(difference.b));
  switch (difference.kind) {
    case Difference::Kind::call:
      return "another call:" + both;
    case Difference::Kind::argument:
      return (difference.name.empty() ? "the arguments:" : fmt::format("the argument {}:", difference.name)) +
             both;
    case Difference::Kind::result:
      return "the result:" + both;
    case Difference::Kind::data:
      return fmt::format("the data in {}:", difference.name) + both;
    case Difference::Kind::signal:
      return "another signal:" + both;
    case Difference::Kind::exit:
      return "how the task ended:" + both;
    case Difference::Kind::extra:
      return fmt::format("{} in {} only",
                         hunk.only_a.size() + hunk.only_b.size() == 1 ? "an event" : "events",
                         hunk.only_a.empty() ? "B" : "A");
  }
  return {};
}

void put_lines(std::string& out, const std::vector<Line>& lines, std::string_view mark,
               std::string_view colour) {
  for (const Line& line : lines)
    out += fmt::format("{}{}{}{}\n", colour, mark, printable(line.text), colour.empty() ? "" : "\033[0m");
}

void put_lines(Json& json, std::string_view key, const std::vector<Line>& lines) {
  json.key(key).open_array();
  for (const Line& line : lines) {
    json.open_object(Json::Layout::inline_);
    json.field("event", line.event);
    json.field("time_ns", line.time_ns);
    json.field("text", line.text);
    json.close();
  }
  json.close();
}

void put_tid(Json& json, std::string_view key, const std::optional<Tid>& tid) {
  json.key(key);
  if (tid) {
    json.value(tid->value());
  } else {
    json.null();
  }
}

void put_hunk(Json& json, const Hunk& hunk, const Alignment& alignment) {
  const TaskPair& task = alignment.task(hunk.place);
  json.open_object();
  json.field("task", alignment.path_of(hunk.place));
  put_tid(json, "tid_a", task.a);
  put_tid(json, "tid_b", task.b);
  json.field("command", task.command);
  json.field("same_before", hunk.calls_before);
  json.field("differs", kind_name(hunk.difference.kind));
  if (!hunk.difference.name.empty()) json.field("argument", hunk.difference.name);
  json.field("value_a", hunk.difference.a);
  json.field("value_b", hunk.difference.b);
  json.field("rejoins", hunk.rejoins);
  put_lines(json, "before", hunk.before);
  put_lines(json, "only_a", hunk.only_a);
  put_lines(json, "only_b", hunk.only_b);
  put_lines(json, "after", hunk.after);
  json.close();
}

}  // namespace

std::string text_report(const Compared& compared, const Alignment& alignment, bool colours) {
  std::string out;
  bool is_first = true;
  for (const Hunk& hunk : compared.hunks) {
    if (is_first) {
      out += fmt::format("A: {}\nB: {}\n", printable(compared.path_a), printable(compared.path_b));
    }
    is_first = false;
    out += fmt::format("\n{}, after {} events that are the same; event {} of A, {} of B: {}\n\n",
                       task_text(hunk, alignment), hunk.calls_before, event_text(hunk.only_a),
                       event_text(hunk.only_b), what_differs(hunk));
    put_lines(out, hunk.before, "  ", "");
    put_lines(out, hunk.only_a, "- ", colours ? "\033[31m" : "");
    put_lines(out, hunk.only_b, "+ ", colours ? "\033[32m" : "");
    put_lines(out, hunk.after, "  ", "");
    if (!hunk.rejoins) out += "(the task was not compared any further)\n";
  }
  if (compared.hunks.empty())
    out = fmt::format("no difference: {} events are the same\n", alignment.same_events());
  return out;
}

std::string json_report(const Compared& compared, const Alignment& alignment) {
  Json json;
  json.open_object();
  json.field("a", compared.path_a);
  json.field("b", compared.path_b);
  json.field("same", compared.hunks.empty());
  json.field("complete", !alignment.problem_of_a() && !alignment.problem_of_b());
  json.field("same_events", alignment.same_events());
  json.key("differences").open_array();
  for (const Hunk& hunk : compared.hunks) put_hunk(json, hunk, alignment);
  json.close();
  json.close();
  return json.text();
}

}  // namespace rec::diff

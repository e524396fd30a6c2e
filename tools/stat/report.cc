#include "tools/stat/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <tuple>

#include "tools/call_names.h"
#include "tools/display.h"

namespace rec::stat {
namespace {

constexpr double ns_per_s = 1e9;
constexpr double ns_per_us = 1e3;

struct Heading {
  std::string_view text;
  std::size_t width;
};

// The widths are strace's (src/count.c), where it has the column.
Heading heading(Column column, By by) {
  switch (column) {
    case Column::time_percent:
      return {"% time", 6};
    case Column::total_time:
      return {"seconds", 11};
    case Column::min_time:
      return {"shortest", 8};
    case Column::max_time:
      return {"longest", 8};
    case Column::avg_time:
      return {"usecs/call", 11};
    case Column::calls:
      return {"calls", 9};
    case Column::errors:
      return {"errors", 9};
    case Column::name:
      return {by == By::file ? "file" : "syscall", 16};
    case Column::stddev:
      return {"stddev usecs", 12};
    case Column::p50:
      return {"p50 usecs", 9};
    case Column::p95:
      return {"p95 usecs", 9};
    case Column::p99:
      return {"p99 usecs", 9};
    case Column::read:
      return {"bytes read", 12};
    case Column::written:
      return {"written", 12};
  }
  return {};
}

std::string seconds(std::uint64_t ns) { return fmt::format("{:.6f}", static_cast<double>(ns) / ns_per_s); }
std::string micros(double ns) { return fmt::format("{:.1f}", ns / ns_per_us); }

std::string cell(Column column, const Line& line, std::uint64_t whole_time) {
  const Distribution::Summary& times = line.times;
  switch (column) {
    case Column::time_percent:
      return fmt::format(
          "{:.2f}",
          whole_time == 0 ? 0.0 : 100.0 * static_cast<double>(times.total) / static_cast<double>(whole_time));
    case Column::total_time:
      return seconds(times.total);
    case Column::min_time:
      return seconds(times.min);
    case Column::max_time:
      return seconds(times.max);
    case Column::avg_time:
      return fmt::format("{}", static_cast<std::uint64_t>(times.mean / ns_per_us));
    case Column::calls:
      return fmt::format("{}", line.counts->calls);
    case Column::errors:
      return line.counts->errors == 0 ? std::string() : fmt::format("{}", line.counts->errors);
    case Column::name:
      return line.name;
    case Column::stddev:
      return micros(times.deviation);
    case Column::p50:
      return micros(static_cast<double>(times.p50));
    case Column::p95:
      return micros(static_cast<double>(times.p95));
    case Column::p99:
      return micros(static_cast<double>(times.p99));
    case Column::read:
      return fmt::format("{}", line.counts->read);
    case Column::written:
      return fmt::format("{}", line.counts->written);
  }
  return {};
}

std::vector<Column> columns_for(const Options& options) {
  using enum Column;
  if (!options.columns.empty()) return options.columns;
  switch (options.by) {
    case By::call:
      return {time_percent, total_time, avg_time, calls, errors, name};
    case By::task:
    case By::process:
      return {name, calls, errors, total_time, min_time, avg_time, max_time, stddev};
    case By::file:
      return {total_time, calls, errors, read, written, name};
  }
  return {};
}

using Cells = std::vector<std::string>;

// Characters on the screen, of UTF-8.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

class Table {
 public:
  Table(const std::vector<Column>& columns, By by) : columns_(columns) {
    for (const Column column : columns) {
      headings_.emplace_back(heading(column, by).text);
      widths_.push_back(heading(column, by).width);
    }
  }
  void add(Cells cells) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      // Names at a line's end make no column wider.
      if (columns_[i] != Column::name || i + 1 < cells.size())
        widths_[i] = std::max(widths_[i], width_of(cells[i]));
    }
    lines_.push_back(std::move(cells));
  }
  // The last line added is the total.
  [[nodiscard]] std::string text() const {
    std::string rule;
    for (const std::size_t width : widths_) rule += (rule.empty() ? "" : " ") + std::string(width, '-');
    std::string out = line_text(headings_) + rule + '\n';
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      if (i + 1 == lines_.size()) out += rule + '\n';
      out += line_text(lines_[i]);
    }
    return out;
  }

 private:
  [[nodiscard]] std::string line_text(const Cells& cells) const {
    std::string out;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::size_t width = width_of(cells[i]);
      const std::string padding(width < widths_[i] ? widths_[i] - width : 0, ' ');
      const bool is_left = columns_[i] == Column::name;
      if (i > 0) out += ' ';
      if (!is_left) out += padding;
      out += cells[i];
      if (is_left && i + 1 < cells.size()) out += padding;
    }
    return out + '\n';
  }

  const std::vector<Column>& columns_;
  Cells headings_;
  std::vector<std::size_t> widths_;
  std::vector<Cells> lines_;
};

std::string table_of(const Group& group, const Options& options) {
  const std::vector<Column> columns = columns_for(options);
  Counts all;
  for (const Row& row : group.rows) all.add(row.counts);
  const Line total{.name = "total", .counts = &all, .times = all.times.summary()};
  Table table(columns, options.by);
  const auto add = [&](const Line& line) {
    Cells cells;
    for (const Column column : columns) cells.push_back(cell(column, line, total.times.total));
    table.add(std::move(cells));
  };
  for (const Line& line : ordered_lines(group, options)) add(line);
  add(total);
  return table.text();
}

std::uint64_t time_of(const Group& group) {
  std::uint64_t time = 0;
  for (const Row& row : group.rows) time += row.counts.times.total();
  return time;
}

// make (process 12, task 13), 567 calls, 4.3% of the time
std::string title_of(const Group& group, std::uint64_t whole_time) {
  std::uint64_t calls = 0;
  for (const Row& row : group.rows) calls += row.counts.calls;
  std::string who = group.command.empty() ? "" : shell_quoted(group.command) + ' ';
  const bool has_process = group.pid != Pid{};
  const bool has_task = group.tid != Tid{};
  who += '(';
  if (has_process) who += fmt::format("process {}", group.pid);
  if (has_process && has_task) who += ", ";
  if (has_task) who += fmt::format("task {}", group.tid);
  const double share =
      whole_time == 0 ? 0 : 100.0 * static_cast<double>(time_of(group)) / static_cast<double>(whole_time);
  return fmt::format("{}), {} calls, {:.1f}% of the time in calls\n", who, calls, share);
}

// All groups' errors together, the most frequent first.
std::string errors_text(const Result& result) {
  struct Failure {
    std::uint64_t count;
    std::string name;
    std::int32_t error;
  };
  std::vector<Failure> failures;
  for (const Group& group : result.groups) {
    for (const Row& row : group.rows) {
      for (const auto& [error, count] : row.counts.errnos) {
        const auto known =
            std::find_if(failures.begin(), failures.end(), [&, e = error](const Failure& failure) {
              return failure.error == e && failure.name == row.name;
            });
        if (known != failures.end()) {
          known->count += count;
        } else {
          failures.push_back({count, row.name, error});
        }
      }
    }
  }
  if (failures.empty()) return "\nno call failed\n";
  std::sort(failures.begin(), failures.end(), [](const Failure& a, const Failure& b) {
    return std::tie(b.count, a.name, a.error) < std::tie(a.count, b.name, b.error);
  });
  using enum Columns::Align;
  Columns table({right, left, left});
  table.add({"failures", "error", "of"});
  for (const Failure& failure : failures)
    table.add({fmt::format("{:>9}", failure.count), error_name(failure.error), printable(failure.name)});
  return '\n' + table.text();
}

std::string longest_text(const Result& result) {
  using enum Columns::Align;
  Columns table({right, right, right, left});
  table.add({"seconds", "event", "task", "longest calls"});
  for (const LongCall& call : result.longest)
    table.add({fmt::format("{:>11}", seconds(call.duration_ns)), fmt::format("{}", call.event),
               fmt::format("{}", call.tid), printable(call.text)});
  return '\n' + table.text();
}

// Whether `a` is to stand before `b`; names ascending, figures descending.
bool stands_before(const Line& a, const Line& b, Column by) {
  switch (by) {
    case Column::time_percent:
    case Column::total_time:
      return a.times.total > b.times.total;
    case Column::min_time:
      return a.times.min > b.times.min;
    case Column::max_time:
      return a.times.max > b.times.max;
    case Column::avg_time:
      return a.times.mean > b.times.mean;
    case Column::calls:
      return a.counts->calls > b.counts->calls;
    case Column::errors:
      return a.counts->errors > b.counts->errors;
    case Column::name:
      return a.name < b.name;
    case Column::stddev:
      return a.times.deviation > b.times.deviation;
    case Column::p50:
      return a.times.p50 > b.times.p50;
    case Column::p95:
      return a.times.p95 > b.times.p95;
    case Column::p99:
      return a.times.p99 > b.times.p99;
    case Column::read:
      return a.counts->read > b.counts->read;
    case Column::written:
      return a.counts->written > b.counts->written;
  }
  return false;
}

}  // namespace

std::vector<Line> ordered_lines(const Group& group, const Options& options) {
  std::vector<Line> lines;
  lines.reserve(group.rows.size());
  for (const Row& row : group.rows)
    lines.push_back({printable(row.name), &row.counts, row.counts.times.summary()});
  if (!options.sort) return lines;
  // Equals by name, so that the same trace always gives the same text.
  std::sort(lines.begin(), lines.end(), [](const Line& a, const Line& b) { return a.name < b.name; });
  std::stable_sort(lines.begin(), lines.end(),
                   [&](const Line& a, const Line& b) { return stands_before(a, b, *options.sort); });
  return lines;
}

std::string text_report(const Result& result, const Options& options) {
  std::string text;
  const bool has_titles = options.by == By::task || options.by == By::process;
  std::uint64_t whole_time = 0;
  for (const Group& group : result.groups) whole_time += time_of(group);
  for (const Group& group : result.groups) {
    if (!text.empty()) text += '\n';
    if (has_titles) text += title_of(group, whole_time) + '\n';
    text += table_of(group, options);
  }
  if (result.groups.empty()) text = "no system call in this trace\n";
  if (options.errors) text += errors_text(result);
  if (!result.longest.empty()) text += longest_text(result);
  return text;
}

}  // namespace rec::stat

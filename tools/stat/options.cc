#include "tools/stat/options.h"

#include <array>
#include <utility>

#include "format/base/error.h"

namespace rec::stat {
namespace {

// strace 6's words (strace(1), -U and -S), then ours. The first for a column is the one to show.
constexpr std::array<std::pair<std::string_view, Column>, 33> words = {{
    {"time-percent", Column::time_percent},
    {"time_percent", Column::time_percent},
    {"time", Column::time_percent},
    {"total-time", Column::total_time},
    {"total_time", Column::total_time},
    {"time-total", Column::total_time},
    {"time_total", Column::total_time},
    {"min-time", Column::min_time},
    {"min_time", Column::min_time},
    {"time-min", Column::min_time},
    {"shortest", Column::min_time},
    {"max-time", Column::max_time},
    {"max_time", Column::max_time},
    {"time-max", Column::max_time},
    {"longest", Column::max_time},
    {"avg-time", Column::avg_time},
    {"avg_time", Column::avg_time},
    {"time-avg", Column::avg_time},
    {"calls", Column::calls},
    {"count", Column::calls},
    {"errors", Column::errors},
    {"error", Column::errors},
    {"name", Column::name},
    {"syscall", Column::name},
    {"syscall-name", Column::name},
    {"syscall_name", Column::name},
    {"file", Column::name},
    {"stddev", Column::stddev},
    {"p50", Column::p50},
    {"p95", Column::p95},
    {"p99", Column::p99},
    {"read", Column::read},
    {"written", Column::written},
}};

}  // namespace

Column column_named(std::string_view word) {
  for (const auto& [known, column] : words) {
    if (known == word) return column;
  }
  fail(
      "‘{}’ is not a column: there are time-percent, total-time, min-time, max-time, avg-time, calls, "
      "errors, name, "
      "stddev, p50, p95, p99, read and written",
      word);
}

std::optional<Column> sort_named(std::string_view word) {
  if (word == "none" || word == "nothing") return std::nullopt;
  const Column column = column_named(word);
  return column == Column::time_percent ? Column::total_time : column;
}

std::vector<Column> columns_named(std::string_view list) {
  std::vector<Column> columns;
  while (true) {
    const std::size_t comma = list.find(',');
    columns.push_back(column_named(list.substr(0, comma)));
    if (comma == std::string_view::npos) return columns;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace rec::stat

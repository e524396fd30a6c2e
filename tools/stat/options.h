// How `rec stat` counts and shows, as chosen on its command line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rec::stat {

enum class By : std::uint8_t { call, task, process, file };

enum class Format : std::uint8_t { text, json, csv };

// The first eight are strace's (strace(1), -U).
enum class Column : std::uint8_t {
  time_percent,
  total_time,
  min_time,
  max_time,
  avg_time,
  calls,
  errors,
  name,
  stddev,
  p50,
  p95,
  p99,
  read,
  written,
};

struct Options {
  By by = By::call;
  Format format = Format::text;
  std::optional<Column> sort = Column::total_time;  // nullopt: in the order of first occurrence
  std::vector<Column> columns;                      // empty: those that suit `by`
  bool errors = false;                              // which errors, and how many of each
  std::size_t longest = 0;                          // how many of the longest calls
};

// As -S and -U name them; strace's spellings and abbreviations are known. Throws Error for another word.
[[nodiscard]] Column column_named(std::string_view word);
[[nodiscard]] std::optional<Column> sort_named(std::string_view word);   // "none": nullopt
[[nodiscard]] std::vector<Column> columns_named(std::string_view list);  // separated by commas

}  // namespace rec::stat

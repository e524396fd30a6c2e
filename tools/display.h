// How the tools show things to people, on a terminal that a trace's author must not control.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rec {

// `text` with everything that could move the cursor or is not valid UTF-8 as \n, \t or \xNN.
[[nodiscard]] std::string printable(std::string_view text);

// A command line as one would type it: arguments quoted where the shell asks for it, or because they are not
// printable.
[[nodiscard]] std::string shell_quoted(const std::vector<std::string>& arguments);

// 999 B, 1.2 KiB, 35 MiB.
[[nodiscard]] std::string human_size(std::uint64_t bytes);

// 0.123 s, 12.3 s, 3 min 05 s.
[[nodiscard]] std::string human_duration(std::uint64_t nanoseconds);

// Local time, 2026-11-21 14:03:59; the argument counts from the epoch.
[[nodiscard]] std::string local_time(std::uint64_t realtime_ns);

// What became of a process, by its wait status (wait(2)): 0, 1, SIGSEGV.
[[nodiscard]] std::string exit_text(std::int32_t wait_status);

// Lines of cells in aligned columns, two spaces between them. The last cell of a line is never padded.
class Columns {
 public:
  enum class Align : std::uint8_t { left, right };
  explicit Columns(std::vector<Align> alignment) : alignment_(std::move(alignment)) {}
  void add(std::vector<std::string> cells) { lines_.push_back(std::move(cells)); }
  // Lines are cut to `width` characters (their last cells then end in …).
  [[nodiscard]] std::string text(std::size_t width = no_limit) const;
  static constexpr std::size_t no_limit = static_cast<std::size_t>(-1);

 private:
  std::vector<Align> alignment_;
  std::vector<std::vector<std::string>> lines_;
};

// Characters in a line of standard output: no_limit unless it is a terminal.
[[nodiscard]] std::size_t output_width();

// Writes to standard output, whole. False: nobody reads it any more (`rec ls | head`), which is no failure.
// Throws Error for everything else.
bool write_output(std::string_view text);

}  // namespace rec

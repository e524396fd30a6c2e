#include "tools/display.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "format/base/error.h"

namespace rec {
namespace {

// Bytes of the UTF-8 sequence at the beginning of `text`; 0 when there is no valid one (RFC 3629: no overlong
// forms, no surrogates, nothing above U+10FFFF). `*code` is the character.
std::size_t utf8_length(std::string_view text, char32_t* code) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const std::size_t length = first < 0x80   ? 1
                             : first < 0xc2 ? 0
                             : first < 0xe0 ? 2
                             : first < 0xf0 ? 3
                             : first < 0xf5 ? 4
                                            : 0;
  if (length == 0 || length > text.size()) return 0;
  constexpr std::array<unsigned char, 5> mask = {0, 0x7f, 0x1f, 0x0f, 0x07};
  char32_t value = first & mask[length];
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    value = value << 6 | (byte(i) & 0x3f);
  }
  constexpr std::array<char32_t, 5> least = {0, 0, 0x80, 0x800, 0x10000};
  if (value < least[length] || (value >= 0xd800 && value < 0xe000) || value > 0x10ffff) return 0;
  *code = value;
  return length;
}

// Control characters, those of ISO 6429's second set included; and the ones that change the direction of
// writing, with which a text can be made to look like another.
bool is_control(char32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x202a && code <= 0x202e) ||
         (code >= 0x2066 && code <= 0x2069);
}

// Characters on the screen, for alignment; every one is taken to be of width 1.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

// The first `width` characters, the last of them … when there were more.
std::string cut_to(const std::string& text, std::size_t width) {
  if (width_of(text) <= width) return text;
  std::string out;
  std::size_t characters = 0;
  for (const char c : text) {
    const bool begins = (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    if (begins && ++characters >= width) break;
    out += c;
  }
  return out + "…";
}

void append_escaped(std::string& out, char c) {
  switch (c) {
    case '\n':
      out += "\\n";
      break;
    case '\t':
      out += "\\t";
      break;
    default:
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
}

std::string shell_quoted(const std::string& argument) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%^";
  if (!argument.empty() && argument.find_first_not_of(plain) == std::string::npos) return argument;
  const std::string shown = printable(argument);
  const bool is_plain = shown == argument;
  // $'…' is the shell's own form for what cannot be typed; in it backslashes and quotes are escaped.
  std::string quoted = is_plain ? "'" : "$'";
  if (is_plain) {
    for (const char c : argument) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  } else {
    for (std::size_t at = 0; at < argument.size();) {
      char32_t code = 0;
      const std::size_t length = utf8_length(std::string_view(argument).substr(at), &code);
      const std::string_view piece = std::string_view(argument).substr(at, std::max<std::size_t>(length, 1));
      if (piece == "'" || piece == "\\") quoted += '\\';
      quoted += printable(piece);
      at += piece.size();
    }
  }
  return quoted + "'";
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    char32_t code = 0;
    const std::size_t length = utf8_length(text, &code);
    const std::string_view piece = text.substr(0, std::max<std::size_t>(length, 1));
    if (length != 0 && !is_control(code)) {
      out += piece;
    } else {
      for (const char c : piece) append_escaped(out, c);
    }
    text.remove_prefix(piece.size());
  }
  return out;
}

std::string shell_quoted(const std::vector<std::string>& arguments) {
  std::string line;
  for (const std::string& argument : arguments) {
    if (!line.empty()) line += ' ';
    line += shell_quoted(argument);
  }
  return line;
}

std::string human_size(std::uint64_t bytes) {
  if (bytes < 1000) return fmt::format("{} B", bytes);
  constexpr std::array<const char*, 6> units = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; value >= 999.5 && unit + 1 < units.size(); ++unit) value /= 1024;
  return fmt::format("{:.{}f} {}", value, value < 9.95 ? 1 : 0, units[unit]);
}

std::string human_duration(std::uint64_t nanoseconds) {
  const double seconds = static_cast<double>(nanoseconds) / 1e9;
  if (seconds < 10) return fmt::format("{:.3f} s", seconds);
  if (seconds < 99.95) return fmt::format("{:.1f} s", seconds);
  const std::uint64_t whole = (nanoseconds + 500'000'000) / 1'000'000'000;
  return fmt::format("{} min {:02} s", whole / 60, whole % 60);
}

std::string local_time(std::uint64_t realtime_ns) {
  const auto seconds = static_cast<std::time_t>(realtime_ns / 1'000'000'000);
  std::tm parts{};
  if (::localtime_r(&seconds, &parts) == nullptr) return "?";
  std::array<char, 64> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts);
  return std::string(text.data(), length);
}

std::string exit_text(std::int32_t wait_status) {
  if (!WIFSIGNALED(wait_status)) return fmt::format("{}", WEXITSTATUS(wait_status));
  const int signal = WTERMSIG(wait_status);
  const char* name = ::sigabbrev_np(signal);  // none for real-time signals
  return name != nullptr ? fmt::format("SIG{}", name) : fmt::format("signal {}", signal);
}

std::string Columns::text(std::size_t width) const {
  std::vector<std::size_t> widths(alignment_.size());
  for (const auto& line : lines_) {
    for (std::size_t i = 0; i < line.size(); ++i) widths.at(i) = std::max(widths.at(i), width_of(line[i]));
  }
  std::string out;
  for (const auto& line : lines_) {
    std::string row;
    for (std::size_t i = 0; i < line.size(); ++i) {
      const std::string padding(widths[i] - width_of(line[i]), ' ');
      const bool is_last = i + 1 == line.size();
      if (i > 0) row += "  ";
      if (alignment_[i] == Align::right) row += padding;
      row += line[i];
      if (alignment_[i] == Align::left && !is_last) row += padding;
    }
    out += cut_to(row, width) + '\n';
  }
  return out;
}

std::size_t output_width() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return Columns::no_limit;
  return size.ws_col;
}

bool write_output(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EPIPE) return false;
    if (written < 0) fail_with_errno("cannot write the output");
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace rec

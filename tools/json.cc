#include "tools/json.h"

#include <fmt/format.h>

#include "format/base/error.h"
#include "tools/display.h"

namespace rec {

std::string json_quoted(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const auto c = static_cast<unsigned char>(text.front());
    std::size_t length = 1;
    if (c >= 0x80) {
      while (length < text.size() && static_cast<unsigned char>(text[length]) >= 0x80) ++length;
      for (const char shown : printable(text.substr(0, length))) {
        if (shown == '\\') out += '\\';
        out += shown;
      }
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c < 0x20 || c == 0x7f) {
      out += fmt::format("\\u{:04x}", c);
    } else {
      out += static_cast<char>(c);
    }
    text.remove_prefix(length);
  }
  return out + '"';
}

void Json::value(std::string_view text) { put(json_quoted(text)); }

void Json::value(double number) { put(fmt::format("{:.10g}", number)); }

Json& Json::key(std::string_view name) {
  before_value();
  out_ += json_quoted(name);
  out_ += ": ";
  after_key_ = true;
  return *this;
}

void Json::open(char begin, char end, Layout layout) {
  before_value();
  // What stands within a line stays on it.
  if (!levels_.empty() && levels_.back().layout == Layout::inline_) layout = Layout::inline_;
  levels_.push_back({end, layout});
  out_ += begin;
}

void Json::close() {
  ENSURE(!levels_.empty());
  const Level level = levels_.back();
  levels_.pop_back();
  if (!level.is_empty && level.layout == Layout::lines) break_line();
  out_ += level.end;
  if (levels_.empty()) out_ += '\n';
}

void Json::put(std::string_view token) {
  before_value();
  out_ += token;
}

void Json::before_value() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (levels_.empty()) return;
  Level& level = levels_.back();
  if (!level.is_empty) out_ += level.layout == Layout::inline_ ? ", " : ",";
  level.is_empty = false;
  if (level.layout == Layout::lines) break_line();
}

void Json::break_line() {
  out_ += '\n';
  out_.append(2 * levels_.size(), ' ');
}

}  // namespace rec

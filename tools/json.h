// Writes one JSON document (RFC 8259), indented, whole rows of a table on one line.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rec {

class Json {
 public:
  enum class Layout : std::uint8_t {
    lines,   // each element on a line of its own
    inline_  // all on one line
  };

  // Values. In an object each follows its key().
  void open_object(Layout layout = Layout::lines) { open('{', '}', layout); }
  void open_array(Layout layout = Layout::lines) { open('[', ']', layout); }
  void close();  // what was opened last
  void value(std::string_view text);
  void value(const char* text) { value(std::string_view(text)); }
  void value(bool truth) { put(truth ? "true" : "false"); }
  void value(double number);  // finite; ten significant digits
  void null() { put("null"); }
  template <std::integral Integer>
  void value(Integer number) {
    put(std::to_string(number));
  }

  Json& key(std::string_view name);
  template <class Value>
  void field(std::string_view name, const Value& of) {
    key(name).value(of);
  }

  // The document, once everything is closed.
  [[nodiscard]] const std::string& text() const { return out_; }

 private:
  struct Level {
    char end;
    Layout layout;
    bool is_empty = true;
  };
  void open(char begin, char end, Layout layout);
  void put(std::string_view token);
  void before_value();
  void break_line();

  std::string out_;
  std::vector<Level> levels_;
  bool after_key_ = false;
};

// `text` between quotes. A JSON text is Unicode, a path may be any bytes: what is no UTF-8, or could confuse
// a terminal, becomes the four characters \xNN, as everywhere in rec.
[[nodiscard]] std::string json_quoted(std::string_view text);

}  // namespace rec

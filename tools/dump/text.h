// The text of a line as it grows and how its values are to be shown, and the few number forms that strace's
// format is made of.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string_view>
#include <utility>

namespace rec::dump {

// What stands behind numbers, as far as the options ask for it and the trace knows it at this point.
class Annotations {
 public:
  Annotations() = default;
  Annotations(const Annotations&) = delete;
  Annotations& operator=(const Annotations&) = delete;
  virtual ~Annotations() = default;
  // Appends "</etc/passwd>" to a descriptor, "<bash>" to a process or thread; nothing where nothing is known.
  virtual void put_descriptor(fmt::memory_buffer& out, std::int32_t fd) const = 0;
  virtual void put_task(fmt::memory_buffer& out, std::int32_t id) const = 0;
};

enum class Constants : std::uint8_t { names, numbers, both };  // -X abbrev, raw, verbose
enum class Escapes : std::uint8_t {
  octal,             // "a\n\1"
  hex_if_any,        // -x: strings with any byte that is not printable
  hex_if_not_ascii,  // --strings-in-hex=non-ascii-chars: only such bytes
  hex,               // -xx: all
};

struct Text {
  fmt::memory_buffer buffer;
  Constants constants = Constants::names;
  Escapes escapes = Escapes::octal;
  bool abbreviates = true;                   // long structures end in "..."
  const Annotations* annotations = nullptr;  // of the task whose line this is; not owned

  [[nodiscard]] std::size_t size() const { return buffer.size(); }
  [[nodiscard]] const char* data() const { return buffer.data(); }
  [[nodiscard]] std::string_view view() const { return {buffer.data(), buffer.size()}; }
  void append(const char* begin, const char* end) { buffer.append(begin, end); }
  void push_back(char c) { buffer.push_back(c); }
  void cut(std::size_t size) { buffer.resize(size); }
  void clear() { buffer.clear(); }
};

inline void put(Text& out, std::string_view text) { out.append(text.data(), text.data() + text.size()); }
inline void put(Text& out, char c) { out.push_back(c); }

template <class Integer>
void put_decimal(Text& out, Integer value) {
  const fmt::format_int digits(value);
  out.append(digits.data(), digits.data() + digits.size());
}

// C's %#x: 0 has no prefix.
inline void put_hex(Text& out, std::uint64_t value) {
  char digits[18];
  char* begin = digits + sizeof digits;
  if (value == 0) return out.push_back('0');
  for (; value != 0; value >>= 4) *--begin = "0123456789abcdef"[value & 15];
  *--begin = 'x';
  *--begin = '0';
  out.append(begin, digits + sizeof digits);
}

inline void put_pointer(Text& out, std::uint64_t address) {
  if (address == 0) return put(out, "NULL");
  put_hex(out, address);
}

// C's %#03o, strace's form of file modes: 0644, 022, 000.
inline void put_octal(Text& out, std::uint64_t value) {
  char digits[24];
  char* begin = digits + sizeof digits;
  do {
    *--begin = static_cast<char>('0' + (value & 7));
    value >>= 3;
  } while (value != 0);
  if (*begin != '0') *--begin = '0';
  while (digits + sizeof digits - begin < 3) *--begin = '0';
  out.append(begin, digits + sizeof digits);
}

inline void put_descriptor(Text& out, std::int32_t fd) {
  put_decimal(out, fd);
  if (out.annotations != nullptr) out.annotations->put_descriptor(out.buffer, fd);
}

inline void put_task(Text& out, std::int32_t id) {
  put_decimal(out, id);
  if (out.annotations != nullptr) out.annotations->put_task(out.buffer, id);
}

// A number that has a name, or has none (empty).
template <class PutNumber>
void put_named(Text& out, std::string_view name, PutNumber put_number) {
  const bool shows_number = name.empty() || out.constants != Constants::names;
  if (shows_number) put_number();
  if (name.empty() || out.constants == Constants::numbers) return;
  if (shows_number) put(out, " /* ");
  put(out, name);
  if (shows_number) put(out, " */");
}

template <class... Args>
void put_format(Text& out, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(fmt::appender(out.buffer), format, std::forward<Args>(args)...);
}

// {name=value, …}: begins each field with its separator and name, and closes the braces at the end of its
// life.
class Braces {
 public:
  explicit Braces(Text& out, char open = '{', char close = '}') : out_(out), close_(close) {
    put(out_, open);
  }
  ~Braces() { put(out_, close_); }
  Braces(const Braces&) = delete;
  Braces& operator=(const Braces&) = delete;

  Text& field(std::string_view name) {
    next();
    put(out_, name);
    put(out_, '=');
    return out_;
  }
  // The next element of a list, or a field whose name is part of the value.
  Text& next() {
    if (any_) put(out_, ", ");
    any_ = true;
    return out_;
  }
  // There is more than is shown.
  void more() { put(next(), "..."); }

 private:
  Text& out_;
  char close_;
  bool any_ = false;
};

}  // namespace rec::dump

// The text of a line as it grows, and the few number forms that strace's format is made of.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <iterator>
#include <string_view>

namespace rec::dump {

using Text = fmt::memory_buffer;

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

template <class... Args>
void put_format(Text& out, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
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

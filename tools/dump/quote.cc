#include "tools/dump/quote.h"

#include <algorithm>
#include <string_view>

namespace rec::dump {
namespace {

bool is_octal_digit(std::byte c) { return c >= std::byte{'0'} && c <= std::byte{'7'}; }

// The shortest form that the next byte cannot be taken for a part of.
void put_octal_escape(Text& out, unsigned value, bool digit_follows) {
  put(out, '\\');
  if (digit_follows || value >= 0100) put(out, static_cast<char>('0' + (value >> 6)));
  if (digit_follows || value >= 010) put(out, static_cast<char>('0' + (value >> 3 & 7)));
  put(out, static_cast<char>('0' + (value & 7)));
}

void put_escaped(Text& out, std::byte byte, bool digit_follows) {
  const auto c = static_cast<char>(byte);
  switch (c) {
    case '"':
      return put(out, "\\\"");
    case '\\':
      return put(out, "\\\\");
    case '\t':
      return put(out, "\\t");
    case '\n':
      return put(out, "\\n");
    case '\v':
      return put(out, "\\v");
    case '\f':
      return put(out, "\\f");
    case '\r':
      return put(out, "\\r");
    default:
      break;
  }
  if (c >= ' ' && c <= '~') return put(out, c);
  put_octal_escape(out, static_cast<unsigned>(byte), digit_follows);
}

bool is_plain(std::byte byte) {
  const auto c = static_cast<char>(byte);
  return (c >= ' ' && c <= '~') || (c >= '\t' && c <= '\r');
}

bool is_all_hex(const Text& out, std::span<const std::byte> bytes, Escape escape) {
  switch (out.escapes) {
    case Escapes::octal:
    case Escapes::hex_if_not_ascii:
      return escape == Escape::always_hex;
    case Escapes::hex_if_any:
      return escape == Escape::always_hex || !std::all_of(bytes.begin(), bytes.end(), is_plain);
    case Escapes::hex:
      return true;
  }
  return true;
}

void put_hex_escape(Text& out, std::byte byte) {
  constexpr std::string_view digits = "0123456789abcdef";
  const auto value = static_cast<unsigned>(byte);
  put(out, "\\x");
  put(out, digits[value >> 4]);
  put(out, digits[value & 15]);
}

}  // namespace

void put_quoted(Text& out, std::span<const std::byte> bytes, std::size_t limit, bool more, Escape escape) {
  const std::span<const std::byte> shown = bytes.first(std::min(bytes.size(), limit));
  const bool all_hex = is_all_hex(out, shown, escape);
  put(out, '"');
  for (std::size_t i = 0; i < shown.size(); ++i) {
    if (all_hex || (out.escapes == Escapes::hex_if_not_ascii && !is_plain(shown[i]))) {
      put_hex_escape(out, shown[i]);
    } else {
      put_escaped(out, shown[i], i + 1 < shown.size() && is_octal_digit(shown[i + 1]));
    }
  }
  put(out, '"');
  if (more || shown.size() < bytes.size()) put(out, "...");
}

}  // namespace rec::dump

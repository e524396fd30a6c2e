// Strings in quotes, with C's escapes as strace writes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "tools/dump/text.h"

namespace rec::dump {

enum class Escape : std::uint8_t {
  as_asked,    // as the text's `escapes` say
  always_hex,  // "\x61\x0a", for random bytes
};

// `bytes` in quotes, at most `limit` of them, then `...` if there were more or `more` says so.
void put_quoted(Text& out, std::span<const std::byte> bytes, std::size_t limit, bool more = false,
                Escape escape = Escape::as_asked);

}  // namespace rec::dump

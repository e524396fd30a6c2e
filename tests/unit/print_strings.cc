#include <doctest/doctest.h>

#include <span>
#include <string_view>

#include "tools/dump/event_memory.h"
#include "tools/dump/quote.h"
#include "tools/dump/values.h"

namespace rec::dump {
namespace {

std::string quoted(std::string_view text, std::size_t limit = 32, bool more = false, Escape escape = {}) {
  Text out;
  put_quoted(out, std::as_bytes(std::span(text)), limit, more, escape);
  return fmt::to_string(out.buffer);
}

TEST_CASE("quotes, backslashes and control characters have C's escapes") {
  CHECK(quoted("a\"b\\c\td\ne\vf\fg\rh") == R"("a\"b\\c\td\ne\vf\fg\rh")");
}

TEST_CASE("an octal escape is as short as the next character allows") {
  CHECK(quoted({"\1x", 2}) == R"("\1x")");
  CHECK(quoted({"\1"
                "2",
                2}) == R"("\0012")");
  CHECK(quoted({"\33"
                "8",
                2}) == R"("\338")");
  CHECK(quoted({"\0\0", 2}) == R"("\0\0")");
  CHECK(quoted("\377") == R"("\377")");
}

TEST_CASE("a string longer than the limit is cut and marked") {
  CHECK(quoted("abcdef", 3) == R"("abc"...)");
  CHECK(quoted("abc", 3) == R"("abc")");
  CHECK(quoted("abc", 0) == R"(""...)");
}

TEST_CASE("a string of which not all was recorded is marked, too") {
  CHECK(quoted("abc", 32, true) == R"("abc"...)");
}

TEST_CASE("the digit after the cut has no influence on the last escape") {
  CHECK(quoted({"\1"
                "2",
                2},
               1) == R"("\1"...)");
}

TEST_CASE("random bytes are all in hexadecimal") {
  CHECK(quoted({"a\0\xff", 3}, 32, false, Escape::always_hex) == R"("\x61\x00\xff")");
}

TEST_CASE("modes are octal with at least three digits") {
  const auto octal = [](std::uint64_t value) {
    Text out;
    put_octal(out, value);
    return fmt::to_string(out.buffer);
  };
  CHECK(octal(0) == "000");
  CHECK(octal(02) == "002");
  CHECK(octal(022) == "022");
  CHECK(octal(0644) == "0644");
  CHECK(octal(04755) == "04755");
}

TEST_CASE("file modes name the type and the special bits") {
  const auto mode = [](std::uint64_t value) {
    Text out;
    put_file_mode(out, value);
    return fmt::to_string(out.buffer);
  };
  CHECK(mode(0100644) == "S_IFREG|0644");
  CHECK(mode(0041777) == "S_IFDIR|S_ISVTX|0777");
  CHECK(mode(0106755) == "S_IFREG|S_ISUID|S_ISGID|0755");
  CHECK(mode(0644) == "0644");
}

TEST_CASE("hexadecimal zero has no prefix and a null pointer is NULL") {
  Text out;
  put_hex(out, 0);
  put(out, ' ');
  put_hex(out, 0xdeadbeef);
  put(out, ' ');
  put_pointer(out, 0);
  CHECK(fmt::to_string(out.buffer) == "0 0xdeadbeef NULL");
}

Data piece(std::uint64_t address, std::string_view bytes, Data::Role role) {
  return {.address = RemotePtr<>(address),
          .bytes = std::as_bytes(std::span(bytes)),
          .full_size = bytes.size(),
          .role = role};
}

std::string read(const EventMemory& memory, std::uint64_t from, std::size_t size) {
  std::string text(size, '?');
  text.resize(memory.read_some(RemotePtr<>(from), std::as_writable_bytes(std::span(text))));
  return text;
}

TEST_CASE("recorded memory shows what was passed before the call and what was written after it") {
  const Data pieces[] = {piece(0x1000, "passed", Data::Role::input), piece(0x1002, "XY", Data::Role::output)};
  CHECK(read(EventMemory(pieces, Moment::before), 0x1000, 6) == "passed");
  CHECK(read(EventMemory(pieces, Moment::after), 0x1000, 6) == "paXYed");
}

TEST_CASE("recorded memory ends where nothing was recorded") {
  const Data pieces[] = {piece(0x1000, "abc", Data::Role::input)};
  const EventMemory memory(pieces, Moment::after);
  CHECK(read(memory, 0x1001, 10) == "bc");
  CHECK(read(memory, 0x0fff, 10).empty());
  CHECK(read(memory, 0x1003, 1).empty());
  CHECK(read(memory, ~std::uint64_t{0}, 4).empty());
}

TEST_CASE("bulk data is memory that was passed, and outputs are unknown before the call") {
  const Data pieces[] = {piece(0x1000, "abc", Data::Role::bulk), piece(0x2000, "def", Data::Role::output)};
  CHECK(read(EventMemory(pieces, Moment::before), 0x1000, 3) == "abc");
  CHECK(read(EventMemory(pieces, Moment::before), 0x2000, 3).empty());
  CHECK(EventMemory(pieces, Moment::before).is_output(RemotePtr<>(0x2002)));
  CHECK_FALSE(EventMemory(pieces, Moment::before).is_output(RemotePtr<>(0x1000)));
}

}  // namespace
}  // namespace rec::dump

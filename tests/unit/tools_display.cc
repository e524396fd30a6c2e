#include <doctest/doctest.h>
#include <signal.h>

#include <cstdlib>
#include <ctime>

#include "tools/display.h"

namespace rec::testing {
namespace {

TEST_CASE("text from a trace cannot control the terminal") {
  CHECK(printable("plain ünïcode ‘text’ 日本") == "plain ünïcode ‘text’ 日本");
  CHECK(printable("a\x1b[2Jb\n\t\x7f") == "a\\x1b[2Jb\\n\\t\\x7f");
  CHECK(printable("\xff\xc3") == "\\xff\\xc3");                    // not UTF-8
  CHECK(printable("\xc0\xaf") == "\\xc0\\xaf");                    // overlong
  CHECK(printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");           // a surrogate
  CHECK(printable("\xc2\x9b[2J") == "\\xc2\\x9b[2J");              // CSI of the second control set
  CHECK(printable("\xe2\x80\xae") == "\\xe2\\x80\\xae");           // right-to-left override
  CHECK(printable("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // above U+10FFFF
}

TEST_CASE("a command line is shown as a shell would read it") {
  CHECK(shell_quoted({"python3", "-c", "print(1)"}) == "python3 -c 'print(1)'");
  CHECK(shell_quoted({"a b", "", "it's"}) == R"('a b' '' 'it'\''s')");
  CHECK(shell_quoted({"tab\there", "\x1b'\\"}) == R"($'tab\there' $'\x1b\'\\')");
  CHECK(shell_quoted({"$HOME", "~", "*"}) == "'$HOME' '~' '*'");
  CHECK(shell_quoted({"größe"}) == "'größe'");
  CHECK(shell_quoted(std::vector<std::string>{}).empty());
}

TEST_CASE("sizes and durations are short to read") {
  CHECK(human_size(0) == "0 B");
  CHECK(human_size(999) == "999 B");
  CHECK(human_size(1000) == "1.0 KiB");
  CHECK(human_size(1536) == "1.5 KiB");
  CHECK(human_size(35 << 20) == "35 MiB");
  CHECK(human_size(1023 << 10) == "1.0 MiB");
  CHECK(human_size(~std::uint64_t{0}) == "16 EiB");
  CHECK(human_duration(1'234'567) == "0.001 s");
  CHECK(human_duration(12'340'000'000) == "12.3 s");
  CHECK(human_duration(185'000'000'000) == "3 min 05 s");
}

TEST_CASE("how a process ended is told by its status or its signal") {
  CHECK(exit_text(0) == "0");
  CHECK(exit_text(3 << 8) == "3");
  CHECK(exit_text(SIGSEGV) == "SIGSEGV");
  CHECK(exit_text(SIGABRT | 0x80) == "SIGABRT");  // with a core file
  CHECK(exit_text(40) == "signal 40");
}

TEST_CASE("columns are as wide as their widest cell") {
  Columns columns({Columns::Align::left, Columns::Align::right, Columns::Align::left});
  columns.add({"name", "n", "what"});
  columns.add({"ä", "1234", "x"});
  columns.add({"longer", "1", ""});
  CHECK(columns.text() ==
        "name       n  what\n"
        "ä       1234  x\n"
        "longer     1  \n");
  CHECK(columns.text(16) ==
        "name       n  w…\n"
        "ä       1234  x\n"
        "longer     1  \n");
}

}  // namespace
}  // namespace rec::testing

#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <string>

#include "replayer/program_output.h"

namespace rec {
namespace {

// Two pipes, and what has come out of them so far.
class Streams {
 public:
  Streams() {
    REQUIRE(::pipe(out_.data()) == 0);
    REQUIRE(::pipe(err_.data()) == 0);
  }
  ~Streams() {
    for (const int fd : {out_[0], out_[1], err_[0], err_[1]}) ::close(fd);
  }
  Streams(const Streams&) = delete;
  Streams& operator=(const Streams&) = delete;

  [[nodiscard]] ReplayOutput output() const { return {out_[1], err_[1]}; }
  [[nodiscard]] std::string out() const { return read_from(out_[0], out_[1]); }
  [[nodiscard]] std::string err() const { return read_from(err_[0], err_[1]); }

 private:
  static std::string read_from(int from, int to) {
    std::array<char, 256> text{};
    REQUIRE(::write(to, ".", 1) == 1);  // so that there is something in any case
    const ssize_t got = ::read(from, text.data(), text.size());
    return got < 1 ? "?" : std::string(text.data(), static_cast<std::size_t>(got) - 1);
  }

  std::array<int, 2> out_{}, err_{};
};

// A write of `text`, of which the kernel took `result` bytes.
class Write {
 public:
  Write(std::string_view text, std::uint16_t flags, std::int64_t result)
      : data_{.bytes = std::as_bytes(std::span(text)), .full_size = text.size(), .role = Data::Role::bulk} {
    event_.flags = flags;
    event_.result = result;
    event_.data = std::span(&data_, 1);
  }
  [[nodiscard]] const Event& event() const { return event_; }

 private:
  Data data_;
  Event event_;
};

}  // namespace

TEST_CASE("of what a call passed, a replay shows what the kernel took") {
  const Streams streams;
  const ProgramOutput output(streams.output());
  output.show(Write("hello", event_echo_stdout, 3).event());
  output.show(Write("world", event_echo_stderr, 5).event());
  CHECK(streams.out() == "hel");
  CHECK(streams.err() == "world");
  CHECK_FALSE(ProgramOutput::is_shown(Write("failed", event_echo_stdout, -32).event()));
  CHECK_FALSE(ProgramOutput::is_shown(Write("elsewhere", 0, 9).event()));
}

TEST_CASE("what calls in a ring wrote waits until they have been made") {
  const Streams streams;
  ProgramOutput output(streams.output());
  output.keep(Write("a", event_echo_stdout, 1).event(), 100);
  output.keep(Write("bc", event_echo_stdout, 1).event(), 200);
  output.keep(Write("d", event_echo_stderr, 1).event(), 300);
  output.keep(Write("e", event_echo_stdout, 1).event(), 400);
  output.show_until(99);
  CHECK(streams.out().empty());
  output.show_until(250);
  CHECK(streams.out() == "ab");
  CHECK(streams.err().empty());
  CHECK(output.waits());
  output.show_until(400);
  CHECK(streams.out() == "e");
  CHECK(streams.err() == "d");
  CHECK_FALSE(output.waits());
}

}  // namespace rec

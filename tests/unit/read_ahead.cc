#include <doctest/doctest.h>

#include "format/trace_reader.h"
#include "format/trace_writer.h"
#include "tests/unit/trace_support.h"

namespace rec::testing {
namespace {

constexpr std::size_t piece_size = 200 << 10;
constexpr std::uint64_t pieces = 150;

// The piece of an event: mostly a new one, now and then one that was there before.
std::uint64_t piece_of(std::uint64_t event) { return event % 10 == 9 ? event / 3 : event; }

std::vector<std::byte> content_of(std::uint64_t piece) {
  auto bytes = noise(piece_size, piece);
  // Some chunks compress.
  if (piece / 20 % 2 == 1) std::fill(bytes.begin(), bytes.begin() + piece_size / 2, std::byte{1});
  return bytes;
}

void write_trace(const std::string& path) {
  TraceWriter writer(path, sample_header());
  for (std::uint64_t i = 0; i < pieces; ++i) {
    const auto bytes = content_of(piece_of(i));
    const Data data{RemotePtr<>(0x1000), bytes, bytes.size(), Data::Role::output, 1};
    (void)writer.append({.tid = Tid(1), .kind = EventKind::call, .result = 1, .data = std::span(&data, 1)});
  }
  writer.finish({.duration_ns = 7});
}

// Counts the events that have the right bytes, until an error.
void count_right(TraceReader& reader, std::uint64_t& right) {
  reader.seek(EventNumber(right));
  while (const Event* event = reader.next()) {
    REQUIRE(event->data.size() == 1);
    if (!std::ranges::equal(event->data.front().bytes, content_of(piece_of(right)))) break;
    ++right;
  }
}

TEST_CASE("what is loaded ahead is what the trace has, wherever reading begins") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.rec";
  write_trace(path);
  TraceReader reader(path);
  reader.read_ahead();
  for (std::uint64_t at : {std::uint64_t{0}, std::uint64_t{77}, std::uint64_t{3}, pieces - 1}) {
    count_right(reader, at);
    CHECK(at == pieces);
  }
}

TEST_CASE("a reader that loads ahead can be left anywhere") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.rec";
  write_trace(path);
  for (int events = 0; events < 40; events += 3) {
    TraceReader reader(path);
    reader.read_ahead();
    for (int i = 0; i < events; ++i) REQUIRE(reader.next() != nullptr);
  }
}

TEST_CASE("damage is found where it is, and told alike, whether content is loaded ahead or not") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.rec";
  write_trace(path);
  const auto whole = file_bytes(path);
  for (const std::size_t percent : {30, 55, 80}) {
    CAPTURE(percent);
    const std::string bad = directory / "bad.rec";
    auto bytes = whole;
    bytes[bytes.size() * percent / 100] ^= std::byte{4};
    write_file(bad, bytes);
    std::uint64_t right = 0, right_ahead = 0;
    TraceReader reader(bad);
    const std::string error = error_of([&] { count_right(reader, right); });
    TraceReader ahead(bad);
    ahead.read_ahead();
    CHECK(error_of([&] { count_right(ahead, right_ahead); }) == error);
    CHECK(error.find("is damaged") != std::string::npos);
    CHECK(right == right_ahead);
  }
}

TEST_CASE("a file that is cut while content is loaded ahead ends with an error") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.rec";
  write_trace(path);
  TraceReader reader(path);
  reader.read_ahead();
  for (int i = 0; i < 20; ++i) REQUIRE(reader.next() != nullptr);
  const auto whole = file_bytes(path);
  write_file(path, std::span(whole).first(1 << 20));
  std::uint64_t right = 0;
  const std::string error = error_of([&] { count_right(reader, right); });
  CHECK(error.find("is damaged") != std::string::npos);
}

}  // namespace
}  // namespace rec::testing

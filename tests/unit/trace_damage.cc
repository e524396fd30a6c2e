#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "format/base/error.h"
#include "format/trace_layout.h"
#include "format/trace_writer.h"
#include "tests/unit/trace_support.h"

namespace rec::testing {
namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// The events read are the first of those written.
bool is_prefix(const std::vector<OwnedEvent>& events) {
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (!same(events[i], sample_event(i))) return false;
  }
  return true;
}

// Three chunks of events of 10 each, and two blocks.
void write_small(const std::string& path, bool finish) {
  TraceWriter writer(path, sample_header());
  std::uint64_t i = 0;
  for (int chunk = 0; chunk < 3; ++chunk) {
    for (; i < (static_cast<std::uint64_t>(chunk) + 1) * 10; ++i)
      with_event(sample_event(i), [&](const Event& event) { (void)writer.append(event); });
    Content content;
    content.path = "/x";
    content.size = 100;
    content.blocks.push_back({0, writer.add_block(noise(100, static_cast<std::uint64_t>(chunk)))});
    (void)writer.add_content(content);
    const std::uint64_t before = writer.bytes_written();
    while (writer.bytes_written() == before && !writer.has_ended_early())
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    // On a full disk, say: nothing more is written then, ever.
    REQUIRE_MESSAGE(!writer.has_ended_early(), writer.why_ended_early().value_or(""));
  }
  if (finish) writer.finish({});
}

TEST_CASE("a trace that was cut off gives all events of its complete chunks") {
  const TemporaryDirectory directory;
  const std::string path = directory / "whole.rec";
  const std::string cut = directory / "cut.rec";
  write_samples(path, 40'000);
  const auto bytes = file_bytes(path);
  std::size_t least = 0;
  for (std::size_t length = bytes.size(); length > 5000; length -= bytes.size() / 25) {
    CAPTURE(length);
    write_file(cut, std::span(bytes).first(length));
    std::string error;
    const auto events = read_all(cut, &error);
    CHECK(error.empty());
    CHECK(is_prefix(events));
    if (length < bytes.size()) {
      TraceReader reader(cut);
      CHECK(!reader.summary());
      CHECK(reader.event_count() == events.size());
      CHECK(contains(reader.why_incomplete(), "cut off"));
    }
    least = events.size();
  }
  CHECK(read_all(path).size() == 40'000);
  CHECK(least < 40'000);
}

TEST_CASE("a small trace cut at any length gives what is complete or says what is missing") {
  const TemporaryDirectory directory;
  const std::string path = directory / "whole.rec";
  const std::string cut = directory / "cut.rec";
  write_small(path, true);
  const auto bytes = file_bytes(path);
  std::size_t longest = 0;
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    CAPTURE(length);
    write_file(cut, std::span(bytes).first(length));
    std::string error;
    const auto events = read_all(cut, &error);
    REQUIRE(is_prefix(events));
    REQUIRE(events.size() >= longest);  // more bytes never give less
    longest = events.size();
  }
  CHECK(longest == 30);
}

TEST_CASE("an unfinished trace that ends in zeros is taken as cut off there") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.rec";
  write_samples(path, 100, false);
  auto bytes = file_bytes(path);
  bytes.resize(bytes.size() + 10'000);
  write_file(path, bytes);
  std::string error;
  CHECK(read_all(path, &error).size() == 100);
  CHECK(error.empty());
}

TEST_CASE("an unfinished trace whose last chunk was never filled gives the ones before") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.rec";
  write_small(path, false);
  auto bytes = file_bytes(path);
  std::fill(bytes.end() - 20, bytes.end(), std::byte{0});
  write_file(path, bytes);
  std::string error;
  const auto events = read_all(path, &error);
  CHECK(error.empty());
  CHECK(events.size() >= 20);
  CHECK(is_prefix(events));
}

TEST_CASE("whatever byte of a trace is changed: correct events, then an error at most") {
  const TemporaryDirectory directory;
  const std::string path = directory / "whole.rec";
  const std::string bad = directory / "bad.rec";
  for (const bool finished : {true, false}) {
    CAPTURE(finished);
    write_small(path, finished);
    const auto bytes = file_bytes(path);
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      CAPTURE(at);
      auto changed = bytes;
      changed[at] ^= static_cast<std::byte>(1U << (at % 8));
      write_file(bad, changed);
      std::string error;
      const auto events = read_all(bad, &error);
      REQUIRE(is_prefix(events));
      if (error.empty() && finished) REQUIRE(events.size() == 30);
      if (!error.empty()) REQUIRE(contains(error, bad));
    }
  }
}

TEST_CASE("a damaged chunk is named with its place, and what lies around it can be read") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.rec";
  write_samples(path, 40'000);
  auto bytes = file_bytes(path);
  const std::size_t middle = bytes.size() / 2;
  bytes[middle] ^= std::byte{1};
  write_file(path, bytes);
  TraceReader reader(path);
  CHECK(reader.event_count() == 40'000);
  std::uint64_t count = 0;
  const auto read_on = [&] {
    while (reader.next() != nullptr) ++count;
  };
  const std::string error = error_of(read_on);
  CHECK(contains(error, path + ": chunk "));
  CHECK(contains(error, " is damaged: checksum does not match"));
  CHECK(count > 0);
  CHECK(count < 40'000);
  CHECK(error_of(read_on) == error);  // it does not go away
  reader.seek(EventNumber(39'999));
  const Event* last = reader.next();
  REQUIRE(last != nullptr);
  CHECK(same(OwnedEvent(*last), sample_event(39'999)));
}

TEST_CASE("a finished trace with a damaged index is read by scanning, and says so") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.rec";
  write_samples(path, 1000);
  auto bytes = file_bytes(path);
  bytes[bytes.size() - layout::trailer_size - 5] ^= std::byte{1};
  write_file(path, bytes);
  TraceReader reader(path);
  CHECK(!reader.summary());
  CHECK(contains(reader.why_incomplete(), "damaged"));
  CHECK(read_all(path).size() == 1000);
}

TEST_CASE("a reader outlives the truncation of its file") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.rec";
  write_samples(path, 40'000);
  TraceReader reader(path);
  REQUIRE(reader.next() != nullptr);
  REQUIRE(::truncate(path.c_str(), static_cast<off_t>(reader.file_size() / 2)) == 0);
  const std::string error = error_of([&] {
    while (reader.next() != nullptr) {
    }
  });
  CHECK(contains(error, "the file ends inside of it"));
}

TEST_CASE("a trace of a newer format is refused with the version that reads it") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.rec";
  TraceHeader header = sample_header();
  header.format_version = trace_format_version + 1;
  header.rec_version = "7.8.9";
  { TraceWriter(path, header).finish({}); }
  const std::string error = error_of([&] { TraceReader reader(path); });
  CHECK(contains(error, "Use rec 7.8.9 or newer"));
  CHECK(contains(error, "format " + std::to_string(trace_format_version + 1)));
}

TEST_CASE("what is no trace is refused in one line") {
  const TemporaryDirectory directory;
  const auto refused = [](const std::string& path) { return error_of([&] { TraceReader reader(path); }); };
  CHECK(contains(refused(directory / "none.rec"), "No such file or directory"));
  CHECK(contains(refused(directory.path()), "is a directory"));
  CHECK(contains(refused("/dev/null"), "not a regular file"));
  const std::string fifo = directory / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  CHECK(contains(refused(fifo), "not a regular file"));
  write_file(directory / "empty", {});
  CHECK(contains(refused(directory / "empty"), "is empty"));
  write_file(directory / "short", noise(20, 1));
  CHECK(contains(refused(directory / "short"), "is not a trace"));
  write_file(directory / "other", noise(5000, 1));
  CHECK(contains(refused(directory / "other"), "is not a trace"));
}

TEST_CASE("a trace cannot be created where there is no directory") {
  const TemporaryDirectory directory;
  const std::string path = directory / "none/a.rec";
  const std::string error = error_of([&] { TraceWriter(path, sample_header()).finish({}); });
  CHECK(error == "cannot create the trace " + path + ": No such file or directory");
}

// No file of this process grows beyond `bytes` while it lives.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(std::uint64_t bytes) : before_handler_(::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, before_handler_);
  }

 private:
  sighandler_t before_handler_;
  rlimit before_{};
};

// The trace is whole: a prefix of the samples, then a note with `why` that stops replay.
void check_ends_with_note(const std::string& path, const std::string& why) {
  std::string error;
  auto events = read_all(path, &error);
  CHECK(error.empty());
  REQUIRE(!events.empty());
  const OwnedEvent last = events.back();
  events.pop_back();
  CHECK(is_prefix(events));
  CHECK(last.fixed.kind == EventKind::note);
  CHECK((last.fixed.flags & event_not_replayable) != 0);
  REQUIRE(last.extra.has_value());
  CHECK(contains(last.extra->text, why));
  TraceReader reader(path);
  REQUIRE(reader.summary().has_value());
  CHECK(reader.summary()->duration_ns == 7);
}

TEST_CASE("verify finds every change that a reader would stumble over, and none in a sound trace") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.rec";
  const std::string bad = directory / "bad.rec";
  write_small(path, true);
  CHECK(TraceReader(path).verify().empty());
  const auto bytes = file_bytes(path);
  for (std::size_t at = layout::prologue_size; at + layout::trailer_size < bytes.size(); at += 7) {
    CAPTURE(at);
    auto changed = bytes;
    changed[at] ^= std::byte{4};
    write_file(bad, changed);
    std::vector<std::string> problems;
    const std::string refused = error_of([&] { problems = TraceReader(bad).verify(); });
    REQUIRE((!refused.empty() || !problems.empty()));
  }
}

TEST_CASE("when the file cannot grow, the trace ends cleanly below the limit and says why") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.rec";
  {
    const FileSizeLimit limit(1'500'000);
    TraceWriter writer(path, sample_header());
    for (std::uint64_t i = 0; i < 1'000'000 && !writer.has_ended_early(); ++i)
      with_event(sample_event(i), [&](const Event& event) { (void)writer.append(event); });
    CHECK(writer.has_ended_early());
    (void)writer.add_block(noise(10, 1));  // dropped, like all that comes now
    writer.finish({.duration_ns = 7});
    CHECK(contains(writer.why_ended_early().value_or(""), "ulimit -f"));
  }
  CHECK(file_bytes(path).size() <= 1'500'000);
  check_ends_with_note(path, "ulimit -f");
}

TEST_CASE(
    "around content that is stored as it is: whatever byte is changed, the content is right or refused") {
  const TemporaryDirectory directory;
  const std::string path = directory / "whole.rec";
  const std::string bad = directory / "bad.rec";
  constexpr std::size_t raw_block = 128 << 10;  // what zstd has in one block at most
  const auto content = noise(raw_block + 5000, 1);
  BlockHash hash;
  {
    TraceWriter writer(path, sample_header());
    hash = writer.add_block(content);
    writer.finish({});
  }
  const auto bytes = file_bytes(path);
  const auto find = [&](std::size_t from) {
    const auto at =
        std::search(bytes.begin(), bytes.end(), content.begin() + static_cast<std::ptrdiff_t>(from),
                    content.begin() + static_cast<std::ptrdiff_t>(from) + 32);
    REQUIRE(at != bytes.end());
    return static_cast<std::size_t>(at - bytes.begin());
  };
  const std::size_t first = find(0);                     // behind the headers of chunk and frame
  const std::size_t last = find(content.size() - 4000);  // behind the header of the second block
  REQUIRE(last - first > content.size() - 4000);
  const std::size_t second = first + raw_block - 200;
  std::size_t refused = 0;
  const auto change = [&](std::size_t at) {
    CAPTURE(at);
    auto changed = bytes;
    changed[at] ^= static_cast<std::byte>(1U << (at % 8));
    write_file(bad, changed);
    bool is_right = false;
    const std::string error =
        error_of([&] { is_right = std::ranges::equal(TraceReader(bad).block(hash), content); });
    REQUIRE((is_right || contains(error, bad)));
    if (!is_right) ++refused;
    std::vector<std::string> problems;
    const std::string unreadable = error_of([&] { problems = TraceReader(bad).verify(); });
    REQUIRE((!problems.empty() || !unreadable.empty()));
  };
  for (std::size_t at = first - 120; at < first + 20; ++at) change(at);
  for (std::size_t at = second; at < second + 250; ++at) change(at);
  CHECK(refused > 300);
}

TEST_CASE("an unfinished trace whose last chunk lost a part of its stored content gives the ones before") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.rec";
  const auto first = noise(50'000, 1);
  const auto last = noise(50'000, 2);
  BlockHash first_hash;
  BlockHash last_hash;
  std::uint64_t end_of_first = 0;
  {
    TraceWriter writer(path, sample_header());
    const auto store = [&](std::span<const std::byte> content) {
      const std::uint64_t before = writer.bytes_written();
      const BlockHash hash = writer.add_block(content);
      while (writer.bytes_written() < before + content.size() && !writer.has_ended_early())
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      REQUIRE(!writer.has_ended_early());
      return hash;
    };
    first_hash = store(first);
    end_of_first = writer.bytes_written();
    last_hash = store(last);
  }
  auto bytes = file_bytes(path);
  REQUIRE(bytes.size() > end_of_first + last.size());
  {
    TraceReader reader(path);
    CHECK(reader.verify().empty());
    CHECK(reader.sizes().chunks == 3);
    CHECK(std::ranges::equal(reader.block(last_hash), last));
  }
  std::fill(bytes.end() - 20'000, bytes.end() - 10'000, std::byte{0});
  write_file(path, bytes);
  TraceReader reader(path);
  CHECK(reader.sizes().chunks == 2);
  CHECK(!reader.is_damaged());
  CHECK(std::ranges::equal(reader.block(first_hash), first));
  CHECK(contains(error_of([&] { (void)reader.block(last_hash); }), "lacks a block"));
}

TEST_CASE("a trace never grows beyond the size it was given, and stops not far below it") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.rec";
  for (const std::uint64_t size : {64U << 10, 200'000U, 3U << 20}) {
    CAPTURE(size);
    {
      TraceWriter writer(path, sample_header(), {.max_size = size});
      for (std::uint64_t i = 0; i < 1'000'000 && !writer.has_ended_early(); ++i)
        with_event(sample_event(i), [&](const Event& event) { (void)writer.append(event); });
      writer.finish({.duration_ns = 7});
    }
    CHECK(file_bytes(path).size() <= size);
    CHECK(file_bytes(path).size() >= size - std::max<std::uint64_t>(size / 10, 40'000));
    check_ends_with_note(path, "the size it may have");
  }
}

TEST_CASE("a full disk is reported as such") {
  const std::string error = error_of([] {
    TraceWriter writer("/dev/full", sample_header());
    writer.finish({});
  });
  CHECK(error == "cannot write the trace /dev/full: No space left on device");
}

}  // namespace
}  // namespace rec::testing

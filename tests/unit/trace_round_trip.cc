#include <doctest/doctest.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <numeric>
#include <thread>

#include "format/base/error.h"
#include "format/base/unique_fd.h"
#include "format/event_columns.h"
#include "format/trace_writer.h"
#include "tests/unit/trace_support.h"

namespace rec::testing {
namespace {

TEST_CASE("a stored trace of every format version reads, whole") {
  for (std::uint32_t version = 1; version <= trace_format_version; ++version) {
    CAPTURE(version);
    TraceReader reader(fmt::format(REC_TEST_DATA "/format-{}.rec", version));
    CHECK(reader.header().format_version == version);
    REQUIRE(reader.summary().has_value());
    CHECK(reader.verify().empty());
    bool said_hello = false;
    while (const Event* event = reader.next()) {
      for (const Data& piece : event->data) {
        const std::string text(reinterpret_cast<const char*>(piece.bytes.data()), piece.bytes.size());
        said_hello = said_hello || text.find("no library here") != std::string::npos;
      }
    }
    CHECK(said_hello);
    CHECK(reader.summary()->wait_status == 34 << 8);
  }
}

TEST_CASE("what a trace says about itself is read as it was written") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.rec";
  write_samples(path, 10);
  TraceReader reader(path);
  const TraceHeader expected = sample_header();
  const TraceHeader& header = reader.header();
  CHECK(header.format_version == trace_format_version);
  CHECK(header.rec_version == expected.rec_version);
  CHECK(header.command == expected.command);
  CHECK(header.executable == expected.executable);
  CHECK(header.working_directory == expected.working_directory);
  CHECK(header.start_realtime_ns == expected.start_realtime_ns);
  CHECK(header.kernel == expected.kernel);
  CHECK(header.machine == expected.machine);
  CHECK(header.cpu_model == expected.cpu_model);
  CHECK(header.xstate_features == expected.xstate_features);
  REQUIRE(reader.summary());
  CHECK(reader.summary()->events == 10);
  CHECK(reader.summary()->duration_ns == 5);
  CHECK(reader.summary()->wait_status == 256);
  CHECK(reader.summary()->tasks == 3);
  CHECK(reader.why_incomplete().empty());
  CHECK(reader.file_size() == file_bytes(path).size());
}

TEST_CASE("every field of every event is read as it was written, over many chunks") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.rec";
  constexpr std::uint64_t count = 60'000;
  write_samples(path, count);
  TraceReader reader(path);
  CHECK(reader.sizes().chunks > 5);
  CHECK(reader.event_count() == count);
  std::uint64_t i = 0;
  for (const Event* event = reader.next(); event != nullptr; event = reader.next(), ++i) {
    REQUIRE(event->number.value() == i);
    REQUIRE_MESSAGE(same(OwnedEvent(*event), sample_event(i)), "event ", i);
  }
  CHECK(i == count);
  CHECK(reader.next() == nullptr);
}

TEST_CASE("a trace without events is a trace") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.rec";
  write_samples(path, 0);
  TraceReader reader(path);
  CHECK(reader.event_count() == 0);
  CHECK(reader.next() == nullptr);
  reader.seek(EventNumber(7));
  CHECK(reader.next() == nullptr);
}

TEST_CASE("seek() leads to any event, forwards and backwards, with and without an index") {
  const TemporaryDirectory directory;
  for (const bool finished : {true, false}) {
    CAPTURE(finished);
    const std::string path = directory / "a.rec";
    write_samples(path, 30'000, finished);
    TraceReader reader(path);
    for (const std::uint64_t target : {29'999U, 0U, 1U, 15'000U, 15'001U, 15'100U, 15'050U, 3U, 29'000U}) {
      CAPTURE(target);
      reader.seek(EventNumber(target));
      for (std::uint64_t i = target; i < std::min<std::uint64_t>(target + 20, 30'000); ++i) {
        const Event* event = reader.next();
        REQUIRE(event != nullptr);
        REQUIRE(event->number.value() == i);
        REQUIRE(same(OwnedEvent(*event), sample_event(i)));
      }
    }
    reader.seek(EventNumber(30'000));
    CHECK(reader.next() == nullptr);
    reader.seek(EventNumber(29'999));
    CHECK(reader.next() != nullptr);
  }
}

TEST_CASE("events of several threads keep the order of their numbers, and none is lost") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.rec";
  constexpr std::int32_t threads = 4;
  constexpr std::int64_t each = 20'000;
  std::vector<std::vector<std::uint64_t>> numbers(threads);
  {
    TraceWriter writer(path, sample_header());
    std::vector<std::thread> running;
    for (std::int32_t t = 0; t < threads; ++t) {
      running.emplace_back([&, t] {
        for (std::int64_t i = 0; i < each; ++i) {
          Event event;
          event.tid = Tid(t);
          event.result = i;
          numbers[static_cast<std::size_t>(t)].push_back(writer.append(event).value());
        }
      });
    }
    for (std::thread& thread : running) thread.join();
    writer.finish({});
  }
  TraceReader reader(path);
  REQUIRE(reader.event_count() == threads * each);
  std::vector<std::int64_t> next(threads);
  while (const Event* event = reader.next()) {
    const auto task = static_cast<std::size_t>(event->tid.value());
    REQUIRE(event->result == next[task]);
    REQUIRE(event->number.value() == numbers[task][static_cast<std::size_t>(next[task])]);
    ++next[task];
  }
  CHECK(next == std::vector<std::int64_t>(threads, each));
}

// Samples `from` to `to`, without what hangs off them.
class Samples : public EventSource {
 public:
  Samples(std::uint64_t from, std::uint64_t to) : next_(from), end_(to) {}
  const Event* next() override {
    if (next_ == end_) return nullptr;
    event_ = Event{};
    event_.tid = Tid(1);
    event_.result = static_cast<std::int64_t>(next_++);
    return &event_;
  }

 private:
  std::uint64_t next_;
  std::uint64_t end_;
  Event event_;
};

TEST_CASE("events that are made late stand in their place among those that were there at once") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.rec";
  constexpr std::uint64_t rounds = 2'000;
  {
    TraceWriter writer(path, sample_header());
    for (std::uint64_t i = 0; i < rounds; ++i) {
      const std::uint64_t first = 12 * i;
      writer.append_late(7, 7000, std::make_unique<Samples>(first, first + 7));
      writer.append_late(4, 4000, std::make_unique<Samples>(first + 7, first + 11));
      Extra extra;
      extra.text = std::to_string(first + 11);
      const Event last{.tid = Tid(1), .result = static_cast<std::int64_t>(first + 11), .extra = &extra};
      CHECK(writer.append(last).value() == first + 11);
    }
    writer.finish({});
  }
  TraceReader reader(path);
  REQUIRE(reader.event_count() == 12 * rounds);
  CHECK(reader.sizes().chunks > 5);
  for (std::uint64_t i = 0; i < 12 * rounds; ++i) {
    const Event* event = reader.next();
    REQUIRE(event != nullptr);
    REQUIRE(event->result == static_cast<std::int64_t>(i));
    REQUIRE((event->extra != nullptr) == (i % 12 == 11));
    if (event->extra != nullptr) REQUIRE(event->extra->text == std::to_string(i));
  }
}

TEST_CASE("a source with fewer events than announced ends the trace, and finish() says so") {
  const TemporaryDirectory directory;
  TraceWriter writer(directory / "a.rec", sample_header());
  writer.append_late(3, 100, std::make_unique<Samples>(0, 2));
  writer.finish({});
  REQUIRE(writer.why_ended_early().has_value());
  CHECK(writer.why_ended_early()->find("3 events were announced, and 2 came") != std::string::npos);
}

TEST_CASE("structures of which little changes take little room, and others are stored as they are") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.rec";
  constexpr std::uint64_t count = 5'000;
  // Of each: a time that goes on, memory without a pattern, one word too many for the memory of its context.
  const auto pieces_of = [](std::uint64_t i) {
    const std::array<std::uint64_t, 2> time{1'700'000'000, 1000 * i + i * i % 7};
    std::vector<std::vector<std::byte>> pieces(3);
    const auto bytes = std::as_bytes(std::span(time));
    pieces[0].assign(bytes.begin(), bytes.end());
    pieces[1] = noise(8 * (i % 3), static_cast<std::uint32_t>(i));
    pieces[2] = noise(8 * (columns::max_words - 1), static_cast<std::uint32_t>(i / 1000));
    return pieces;
  };
  {
    TraceWriter writer(path, sample_header());
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto pieces = pieces_of(i);
      std::vector<Data> data;
      for (const auto& piece : pieces) data.push_back({RemotePtr<>(4096), piece, piece.size()});
      writer.append({.tid = Tid(1), .data = data});
    }
    writer.finish({});
  }
  TraceReader reader(path);
  for (std::uint64_t i = 0; i < count; ++i) {
    const Event* event = reader.next();
    REQUIRE(event != nullptr);
    const auto pieces = pieces_of(i);
    REQUIRE(event->data.size() == pieces.size());
    for (std::size_t k = 0; k < pieces.size(); ++k)
      REQUIRE(std::ranges::equal(event->data[k].bytes, pieces[k]));
  }
  CHECK(reader.file_size() < 12 * count);  // of 16 + 8 + 248 bytes each
}

TEST_CASE("a block is stored once, and read back by its hash") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.rec";
  const auto big = noise(content_block_size, 1);
  const auto small = noise(17, 2);
  BlockHash big_hash;
  BlockHash small_hash;
  {
    TraceWriter writer(path, sample_header());
    big_hash = writer.add_block(big);
    small_hash = writer.add_block(small);
    for (int i = 0; i < 20; ++i) CHECK(writer.add_block(big) == big_hash);
    writer.finish({});
  }
  CHECK(big_hash != small_hash);
  TraceReader reader(path);
  CHECK(reader.file_size() > content_block_size);
  CHECK(reader.file_size() < content_block_size + content_block_size / 10);
  const auto read = [&](const BlockHash& hash) {
    const auto bytes = reader.block(hash);
    return std::vector<std::byte>(bytes.begin(), bytes.end());
  };
  CHECK(read(big_hash) == big);
  CHECK(read(small_hash) == small);
  CHECK(error_of([&] { (void)reader.block(BlockHash{1, 2}); }).find("lacks a block") != std::string::npos);
}

TEST_CASE("contents are known when an event refers to them, with and without an index") {
  const TemporaryDirectory directory;
  for (const bool finished : {true, false}) {
    CAPTURE(finished);
    const std::string path = directory / "a.rec";
    std::vector<Content> contents;
    {
      TraceWriter writer(path, sample_header());
      for (std::uint32_t i = 0; i < 5; ++i) {
        Content content;
        content.path = "/lib/" + std::to_string(i);
        content.size = 10 * content_block_size + 1;
        content.blocks.push_back({0, writer.add_block(noise(content_block_size, i))});
        content.id = writer.add_content(content);
        CHECK(content.id.value() == i);
        Event event;
        event.result = i;
        (void)writer.append(event);
        const Content::Block more{10, writer.add_block(noise(1, 100 + i))};
        writer.extend_content(content.id, std::span(&more, 1));
        content.blocks.push_back(more);
        contents.push_back(content);
      }
      (void)writer.append(Event{});
      if (finished) writer.finish({});
    }
    TraceReader reader(path);
    CHECK(reader.summary().has_value() == finished);
    reader.seek(EventNumber(5));
    REQUIRE(reader.next() != nullptr);
    for (const Content& content : contents) {
      CHECK(same(reader.content(content.id), content));
      for (const Content::Block& block : content.blocks) CHECK(!reader.block(block.hash).empty());
    }
    CHECK(error_of([&] { (void)reader.content(ContentId(5)); }).find("file content 5") != std::string::npos);
  }
}

TEST_CASE("blocks that the writer reads by itself are those that the file had") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.rec";
  constexpr std::uint64_t size = 40 * content_block_size + 17;
  const auto bytes = noise(size, 1);
  write_file(directory / "file", bytes);
  std::vector<std::uint64_t> indices(41);
  std::iota(indices.begin(), indices.end(), 0);
  const auto opened = [&] { return UniqueFd(::open((directory / "file").c_str(), O_RDWR | O_CLOEXEC)); };
  for (const bool finished : {true, false}) {
    CAPTURE(finished);
    {
      TraceWriter writer(path, sample_header());
      const ContentId id = writer.add_content(Content{.path = "/lib/a", .size = size, .blocks = {}});
      const ContentId cut = writer.add_content(Content{.path = "/lib/b", .size = size + 1, .blocks = {}});
      writer.extend_content_late(id, opened(), indices);
      writer.extend_content_late(cut, opened(), std::span(indices).last(1));
      (void)writer.append(Event{});
      writer.read_late_blocks(id);
      REQUIRE(::ftruncate(opened().get(), 0) == 0);
      // A block that a batch behind those has as well.
      (void)writer.add_block(std::span(bytes).first(content_block_size));
      (void)writer.append(Event{});
      writer.read_late_blocks(cut);
      writer.read_late_blocks(cut);
      if (finished) writer.finish({});
    }
    write_file(directory / "file", bytes);
    TraceReader reader(path);
    reader.seek(EventNumber(1));
    REQUIRE(reader.next() != nullptr);
    const Content content = reader.content(ContentId(0));
    REQUIRE(content.blocks.size() == indices.size());
    for (const Content::Block& block : content.blocks) {
      const std::uint64_t start = block.index * content_block_size;
      const auto expected = std::span(bytes).subspan(start, std::min(content_block_size, size - start));
      CHECK(std::ranges::equal(reader.block(block.hash), expected));
    }
    CHECK(reader.content(ContentId(1)).blocks.size() == 1);
  }
}

TEST_CASE("a trace that ends early does not wait for blocks that are to be read") {
  const TemporaryDirectory directory;
  const auto bytes = noise(8 * content_block_size, 1);
  write_file(directory / "file", bytes);
  TraceWriter writer(directory / "a.rec", sample_header(), {.max_size = 2 * content_block_size});
  const ContentId id = writer.add_content(Content{.path = "/lib/a", .size = bytes.size(), .blocks = {}});
  const std::vector<std::uint64_t> indices{0, 1, 2, 3, 4, 5, 6, 7};
  writer.extend_content_late(id, UniqueFd(::open((directory / "file").c_str(), O_RDONLY | O_CLOEXEC)),
                             indices);
  writer.read_late_blocks(id);
  CHECK(writer.has_ended_early());
  writer.finish({});
  const TraceReader reader(directory / "a.rec");
  CHECK(reader.summary().has_value());
}

TEST_CASE("a file that is read again piece by piece is in the trace once") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.rec";
  constexpr std::size_t piece = 64 << 10;
  constexpr std::size_t pieces = 40;
  {
    TraceWriter writer(path, sample_header());
    for (std::size_t i = 0; i < 3 * pieces; ++i) {
      OwnedEvent read;
      read.fixed.result = piece;
      read.fixed.args = {3, 0x1000, piece, 0, 0, 0};
      read.data.push_back({0x1000, noise(piece, i % pieces), piece, Data::Role::output, 1});
      with_event(read, [&](const Event& event) { (void)writer.append(event); });
    }
    writer.finish({});
  }
  CHECK(file_bytes(path).size() < pieces * piece * 11 / 10);
  const auto events = read_all(path);
  REQUIRE(events.size() == 3 * pieces);
  for (std::size_t i = 0; i < events.size(); ++i)
    CHECK(events[i].data.front().bytes == noise(piece, i % pieces));
}

TEST_CASE("a call that moves much data comes back whole") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.rec";
  OwnedEvent event;
  event.fixed.result = 5 * 1024 * 1024 + 3;
  event.fixed.args = {3, 0x1000, 0, 0, 0, 0};
  event.data.push_back({0x1000, noise(5 * 1024 * 1024 + 3, 1), 5 * 1024 * 1024 + 3, Data::Role::output, 1});
  event.data.push_back({0x9999, noise(10, 2), 10, Data::Role::input, 2});
  event.data.push_back({0x800'0000, noise(4096, 3), 5000, Data::Role::input, 1});
  for (const bool finished : {true, false}) {
    CAPTURE(finished);
    {
      TraceWriter writer(path, sample_header());
      for (int i = 0; i < 3; ++i) with_event(event, [&](const Event& e) { (void)writer.append(e); });
      if (finished) writer.finish({});
    }
    const auto events = read_all(path);
    REQUIRE(events.size() == 3);
    for (const OwnedEvent& read : events) CHECK(same(read, event));
    // The same bytes three times are one copy in the file.
    CHECK(file_bytes(path).size() < 6 * 1024 * 1024);
  }
}

TEST_CASE("large data with a keeper is written from where it is, and let go of") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.rec";
  constexpr std::size_t size = 300'000;
  std::vector<std::weak_ptr<const void>> held;
  std::vector<std::vector<std::byte>> written;
  {
    TraceWriter writer(path, sample_header());
    for (std::uint64_t i = 0; i < 30; ++i) {
      // (Among them are some that others had before, which nobody keeps.)
      auto bytes = std::make_shared<std::vector<std::byte>>(noise(size, i % 20));
      written.push_back(*bytes);
      held.emplace_back(bytes);
      const std::vector<Data> data{
          {RemotePtr<>(0x1000), *bytes, size, Data::Role::output, 1},
          {RemotePtr<>(0x9999), std::span(*bytes).first(10), 10, Data::Role::input, 2}};
      const Event event{.tid = Tid(1), .result = static_cast<std::int64_t>(i), .data = data};
      (void)writer.append(event, bytes);
    }
    writer.finish({});
    CHECK(std::ranges::all_of(held, [](const auto& one) { return one.expired(); }));
  }
  CHECK(file_bytes(path).size() < 21 * size);
  TraceReader reader(path);
  CHECK(reader.verify().empty());
  for (const std::vector<std::byte>& bytes : written) {
    const Event* event = reader.next();
    REQUIRE(event != nullptr);
    REQUIRE(event->data.size() == 2);
    CHECK(std::ranges::equal(event->data[0].bytes, bytes));
    CHECK(std::ranges::equal(event->data[1].bytes, std::span(bytes).first(10)));
  }
}

TEST_CASE("a trace that cannot grow lets go of what it was to write") {
  const TemporaryDirectory directory;
  std::weak_ptr<const void> held;
  TraceWriter writer(directory / "a.rec", sample_header(), {.max_size = 64 << 10});
  for (std::uint64_t i = 0; i < 10; ++i) {
    auto bytes = std::make_shared<std::vector<std::byte>>(noise(300'000, i));
    held = bytes;
    const Data piece{RemotePtr<>(0x1000), *bytes, bytes->size(), Data::Role::output, 1};
    (void)writer.append({.tid = Tid(1), .data = std::span(&piece, 1)}, bytes);
  }
  writer.finish({});
  CHECK(writer.has_ended_early());
  CHECK(held.expired());
}

TEST_CASE("what was appended is in the file after a moment, without finish()") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.rec";
  TraceWriter writer(path, sample_header());
  with_event(sample_event(3), [&](const Event& event) { (void)writer.append(event); });
  std::vector<OwnedEvent> events;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (events.empty() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    events = read_all(path);
  }
  REQUIRE(events.size() == 1);
  CHECK(same(events[0], sample_event(3)));
  CHECK(writer.bytes_written() == file_bytes(path).size());
}

TEST_CASE("repeated small calls cost less than a byte each when their times repeat") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.rec";
  constexpr std::uint64_t count = 100'000;
  {
    TraceWriter writer(path, sample_header());
    const std::byte zero{0};
    for (std::uint64_t i = 0; i < count; ++i) {
      const Data data{RemotePtr<>(0x5566'7788'9000), std::span(&zero, 1), 1,
                      i % 2 == 0 ? Data::Role::output : Data::Role::input, 1};
      Event event;
      event.tid = Tid(77);
      event.nr = static_cast<std::int32_t>(i % 2);
      event.args = {i % 2, 0x5566'7788'9000, 1, 0, 0, 0};
      event.result = 1;
      event.enter_ns = i * 500;
      event.leave_ns = i * 500 + 200;
      event.data = std::span(&data, 1);
      (void)writer.append(event);
    }
    writer.finish({});
  }
  CHECK(file_bytes(path).size() < count / 4);
}

TEST_CASE("a trace can be read by its owner only, also where a file was before") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.rec";
  write_file(path, noise(10'000'000, 1));
  REQUIRE(::chmod(path.c_str(), 0644) == 0);
  write_samples(path, 1);
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  CHECK(read_all(path).size() == 1);
}

// Exit status of a command found on PATH, its output thrown away; nullopt when there is no such command.
std::optional<int> run(std::vector<std::string> command, const std::string& output) {
  std::vector<char*> arguments;
  for (std::string& argument : command) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ::posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  pid_t pid = 0;
  const int failure = ::posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) return std::nullopt;
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_CASE("zstd's own tool tests and unpacks a trace") {
  const TemporaryDirectory directory;
  for (const bool finished : {true, false}) {
    CAPTURE(finished);
    const std::string path = directory / "a.rec";
    write_samples(path, 20'000, finished);
    const auto tested = run({"zstd", "-t", path}, "/dev/null");
    if (!tested) {
      MESSAGE("zstd is not installed: not tested");
      return;
    }
    CHECK(*tested == 0);
    CHECK(run({"zstd", "-dc", path}, directory / "raw") == 0);
    // The file identifier of the first buffer stands behind its size and the offset of its root.
    const auto raw = file_bytes(directory / "raw");
    REQUIRE(raw.size() > 12);
    CHECK(std::string(reinterpret_cast<const char*>(raw.data()) + 8, 4) == "RECT");
  }
}

TEST_CASE("finish() is the end: nothing can be appended to a finished trace") {
  const TemporaryDirectory directory;
  TraceWriter writer(directory / "a.rec", sample_header());
  writer.finish({});
  CHECK_THROWS_AS((void)writer.append(Event{}), Broken);
  CHECK_THROWS_AS(writer.finish({}), Broken);
}

}  // namespace
}  // namespace rec::testing

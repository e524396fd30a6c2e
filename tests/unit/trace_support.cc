#include "tests/unit/trace_support.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "format/base/error.h"
#include "format/trace_writer.h"

namespace rec::testing {

TemporaryDirectory::TemporaryDirectory() {
  const char* base = std::getenv("TMPDIR");
  path_ = std::string(base != nullptr ? base : "/tmp") + "/rec-unit-XXXXXX";
  if (::mkdtemp(path_.data()) == nullptr) fail_with_errno("cannot make a directory for a test");
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

OwnedEvent::OwnedEvent(const Event& event) : fixed(event) {
  for (const Data& piece : event.data) {
    data.push_back({piece.address.address(),
                    {piece.bytes.begin(), piece.bytes.end()},
                    piece.full_size,
                    piece.role,
                    piece.argument});
  }
  if (event.extra != nullptr) extra = *event.extra;
  fixed.data = {};
  fixed.extra = nullptr;
}

void with_event(const OwnedEvent& owned, const std::function<void(const Event&)>& use) {
  std::vector<Data> pieces;
  for (const auto& piece : owned.data)
    pieces.push_back({RemotePtr<>(piece.address), piece.bytes, piece.full_size, piece.role, piece.argument});
  Event event = owned.fixed;
  event.data = pieces;
  event.extra = owned.extra ? &*owned.extra : nullptr;
  use(event);
}

namespace {

bool same(const Mapping& a, const Mapping& b) {
  return a.start == b.start && a.end == b.end && a.protection == b.protection && a.flags == b.flags &&
         a.kind == b.kind && a.content == b.content && a.offset == b.offset &&
         a.shared_object == b.shared_object && a.path == b.path;
}

}  // namespace

bool same(const Extra& a, const Extra& b) {
  return a.parent == b.parent && a.pid == b.pid && a.former_tid == b.former_tid && a.domain == b.domain &&
         a.clone_flags == b.clone_flags && a.before == b.before && a.after == b.after &&
         a.xstate == b.xstate && a.siginfo == b.siginfo && a.point == b.point && a.action == b.action &&
         a.text == b.text && a.stack_limit == b.stack_limit &&
         std::equal(a.mappings.begin(), a.mappings.end(), b.mappings.begin(), b.mappings.end(),
                    [](const Mapping& x, const Mapping& y) { return same(x, y); });
}

bool same(const OwnedEvent& a, const OwnedEvent& b) {
  const Event& x = a.fixed;
  const Event& y = b.fixed;
  return x.tid == y.tid && x.kind == y.kind && x.flags == y.flags && x.nr == y.nr && x.args == y.args &&
         x.result == y.result && x.enter_ns == y.enter_ns && x.leave_ns == y.leave_ns && a.data == b.data &&
         a.extra.has_value() == b.extra.has_value() && (!a.extra || same(*a.extra, *b.extra));
}

bool same(const Content& a, const Content& b) {
  return a.id == b.id && a.path == b.path && a.size == b.size &&
         std::equal(a.blocks.begin(), a.blocks.end(), b.blocks.begin(), b.blocks.end(),
                    [](const auto& x, const auto& y) { return x.index == y.index && x.hash == y.hash; });
}

namespace {

// SplitMix64 (Steele, Lea, Flood 2014): cheap to seed, and a test seeds one for every event.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t operator()() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }

 private:
  std::uint64_t state_;
};

}  // namespace

std::vector<std::byte> noise(std::size_t count, std::uint64_t seed) {
  Random generator(seed);
  std::vector<std::byte> bytes(count);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(generator());
  return bytes;
}

namespace {

Registers sample_registers(std::uint64_t seed) {
  std::array<std::uint64_t, 27> values{};
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = seed * 0x9E3779B97F4A7C15 + i;
  return __builtin_bit_cast(Registers, values);
}

Extra sample_extra(std::uint64_t i) {
  Extra extra;
  extra.parent = Tid(static_cast<std::int32_t>(i + 1));
  extra.pid = Pid(static_cast<std::int32_t>(i + 2));
  extra.former_tid = Tid(static_cast<std::int32_t>(i + 3));
  extra.domain = DomainId(static_cast<std::uint32_t>(i + 4));
  extra.clone_flags = 0x1'0000'0100 + i;
  if (i % 2 == 0) extra.before = sample_registers(i);
  if (i % 3 == 0) extra.after = sample_registers(i + 5);
  extra.xstate = noise(i % 3 == 1 ? 832 : 0, i);
  extra.siginfo = noise(i % 2 == 1 ? 128 : 0, i);
  extra.point = static_cast<SignalPoint>(i % 4);
  extra.action = static_cast<SignalAction>(i % 5);
  for (std::uint64_t k = 0; k < i % 4; ++k) {
    Mapping mapping;
    mapping.start = RemotePtr<>(0x7f00'0000'0000 + k * page_size);
    mapping.end = mapping.start.plus_bytes(page_size);
    mapping.protection = static_cast<std::uint32_t>(k);
    mapping.flags = 0x22;
    mapping.kind = static_cast<Mapping::Kind>(k % 4);
    if (k % 2 == 1) mapping.content = ContentId(static_cast<std::uint32_t>(k - 1));  // 0 is a content, too
    mapping.offset = k << 12;
    mapping.shared_object = k * 7;
    mapping.path = k == 0 ? "" : "/lib/x\xff.so";  // a path is bytes, not UTF-8
    extra.mappings.push_back(mapping);
  }
  extra.text = i % 2 == 0 ? "text with a \0 in it" : "";
  extra.stack_limit = ~std::uint64_t{0} - i;
  return extra;
}

}  // namespace

OwnedEvent sample_event(std::uint64_t i) {
  Random random(i);
  OwnedEvent event;
  Event& fixed = event.fixed;
  fixed.tid = Tid(static_cast<std::int32_t>(1000 + i % 3));
  fixed.kind =
      static_cast<EventKind>(i % 7 == 0 ? i / 7 % (static_cast<std::uint64_t>(last_event_kind) + 1) : 0);
  fixed.flags = static_cast<std::uint16_t>(i % 5 == 0 ? random() : 0);
  fixed.nr = static_cast<std::int32_t>(i % 11 == 0 ? random() : i % 4);
  for (std::uint64_t& argument : fixed.args) argument = random() >> (random() % 64);
  fixed.result = static_cast<std::int64_t>(i % 13 == 0 ? random() : i % 6 == 0 ? ~std::uint64_t{10} : i % 40);
  fixed.enter_ns = i * 1000 + random() % 900;
  fixed.leave_ns = fixed.enter_ns + random() % 100'000;
  if (i % 17 == 0) fixed.leave_ns = random();
  const std::uint64_t pieces = i % 9 == 0 ? random() % 5 : i % 2;
  for (std::uint64_t k = 0; k < pieces; ++k) {
    OwnedEvent::OwnedData piece;
    piece.argument = static_cast<std::uint8_t>(random() % 6);
    piece.address = random() % 2 == 0 ? fixed.args[piece.argument] : random() >> 16;
    const bool by_result = fixed.result >= 0 && fixed.result < 40;
    piece.bytes = noise(by_result ? static_cast<std::size_t>(fixed.result) : random() % 64, i + k);
    piece.role = static_cast<Data::Role>(random() % 3);
    piece.full_size = piece.bytes.size() + (random() % 3 == 0 ? random() % 10'000 : 0);
    event.data.push_back(piece);
  }
  if (i % 10 == 3) event.extra = sample_extra(i);
  return event;
}

TraceHeader sample_header() {
  TraceHeader header;
  header.rec_version = "0.1.0";
  header.command = {"python3", "-c", "", "print('ä')"};
  header.executable = "/usr/bin/python3.11";
  header.working_directory = "/home/someone";
  header.start_realtime_ns = 1'700'000'000'123'456'789;
  header.kernel = "6.1.0";
  header.machine = "host";
  header.cpu_model = "a processor";
  header.xstate_features = 0xe7;
  return header;
}

void write_samples(const std::string& path, std::uint64_t count, bool finish) {
  TraceWriter writer(path, sample_header());
  for (std::uint64_t i = 0; i < count; ++i)
    with_event(sample_event(i), [&](const Event& event) { (void)writer.append(event); });
  if (finish) writer.finish({.events = 0, .duration_ns = 5, .wait_status = 256, .tasks = 3});
}

std::vector<OwnedEvent> read_all(const std::string& path, std::string* error) {
  std::vector<OwnedEvent> events;
  const std::string text = error_of([&] {
    TraceReader reader(path);
    while (const Event* event = reader.next()) events.emplace_back(*event);
  });
  if (error != nullptr) *error = text;
  return events;
}

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

std::vector<std::byte> file_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> chars{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const auto* first = reinterpret_cast<const std::byte*>(chars.data());
  return {first, first + chars.size()};
}

void write_file(const std::string& path, std::span<const std::byte> bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace rec::testing

// What the tests of the trace file share: a directory of their own, events to write, and comparing what was
// read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "format/event.h"
#include "format/trace.h"
#include "format/trace_reader.h"

namespace rec::testing {

// A new directory, removed with everything in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// An event that owns what an Event only refers to.
struct OwnedEvent {
  struct OwnedData {
    std::uint64_t address = 0;
    std::vector<std::byte> bytes;
    std::uint64_t full_size = 0;
    Data::Role role = Data::Role::output;
    std::uint8_t argument = 0;
    bool operator==(const OwnedData&) const = default;
  };
  Event fixed;
  std::vector<OwnedData> data;
  std::optional<Extra> extra;

  explicit OwnedEvent(const Event& event);  // copies
  OwnedEvent() = default;
};

// Calls `use` with the Event that `owned` describes; it is valid during the call.
void with_event(const OwnedEvent& owned, const std::function<void(const Event&)>& use);

// Every field of both, and everything they refer to. Fields of `number` aside: the writer gives those.
[[nodiscard]] bool same(const OwnedEvent& a, const OwnedEvent& b);
[[nodiscard]] bool same(const Extra& a, const Extra& b);
[[nodiscard]] bool same(const Content& a, const Content& b);

// `count` bytes that depend on `seed` and do not compress.
[[nodiscard]] std::vector<std::byte> noise(std::size_t count, std::uint64_t seed);

// The `i`-th of a sequence of events in which everything occurs: several tasks and kinds, big and small
// values, data of all sorts, extras with every field set.
[[nodiscard]] OwnedEvent sample_event(std::uint64_t i);
[[nodiscard]] TraceHeader sample_header();

// Writes `count` sample events and, if wanted, the index.
void write_samples(const std::string& path, std::uint64_t count, bool finish = true);

// All events that can be read; stops at an error, whose text goes to `*error`.
[[nodiscard]] std::vector<OwnedEvent> read_all(const std::string& path, std::string* error = nullptr);

// The text of the Error that `action` throws; empty when it throws none.
[[nodiscard]] std::string error_of(const std::function<void()>& action);

[[nodiscard]] std::vector<std::byte> file_bytes(const std::string& path);
void write_file(const std::string& path, std::span<const std::byte> bytes);

}  // namespace rec::testing

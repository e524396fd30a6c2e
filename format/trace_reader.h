// Reads a trace file. A trace is hostile input: checksums and the FlatBuffers verifier before anything is
// used, bounds on every size. A damaged trace gives one Error that names the chunk and its offset in the
// file; what comes before the damage can be read.
//
//   TraceReader reader("python3-0.rec");
//   while (const Event* event = reader.next()) …
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "format/event.h"
#include "format/trace.h"

namespace rec {

class [[nodiscard]] TraceReader {
 public:
  // Throws Error: not there, not a trace, made by a newer rec (names the version needed), damaged header.
  explicit TraceReader(const std::string& path);
  TraceReader(TraceReader&&) noexcept;
  TraceReader& operator=(TraceReader&&) noexcept;
  ~TraceReader();

  [[nodiscard]] const TraceHeader& header() const;

  // Present when the recording was ended properly. When absent, the file was scanned for its complete chunks.
  [[nodiscard]] const std::optional<TraceSummary>& summary() const;

  // When summary() is absent: why, for the user. Either the recording was cut off (or goes on), or the file
  // is damaged at its end; the events before that can be read.
  [[nodiscard]] const std::string& why_incomplete() const;
  // In the second case.
  [[nodiscard]] bool is_damaged() const;

  // Number of events that can be read.
  [[nodiscard]] std::uint64_t event_count() const;

  // The next event, or nullptr after the last one. Valid until the next call of next() or seek().
  // Throws Error at a damaged chunk (and again when called again; seek() leads past it).
  const Event* next();

  // The next event returned by next() will be number `number` (or the end, if there are fewer).
  void seek(EventNumber number);

  // Where to look for a time or a task without reading everything before.
  struct EventRange {
    EventNumber first{};
    EventNumber end{};  // the number after the last one
  };
  // The first part of the trace, from event `from` on, that has events of the task. nullopt: there is none,
  // or the trace has no index.
  [[nodiscard]] std::optional<EventRange> chunk_with(Tid task, EventNumber from) const;
  // An event before all that ended at `time_ns` or later, and not far before the first of them.
  [[nodiscard]] EventNumber near(std::uint64_t time_ns) const;

  // Reads all there is and checks it: checksums, structure, the order of the events, that everything they
  // refer to is there, that the index says what the chunks say. The problems, one line each; none: the trace
  // is sound. Ends at `most` problems.
  [[nodiscard]] std::vector<std::string> verify(std::size_t most = 20);

  // Contents announced so far in the part of the file before the current event, or in a finished trace all of
  // them. Throws Error for an id that the trace does not have.
  [[nodiscard]] const Content& content(ContentId id);

  // A block's bytes. Valid until the next call of block(). Throws Error when it is missing or does not match
  // its hash.
  [[nodiscard]] std::span<const std::byte> block(const BlockHash& hash);

  // From now on what large events hold is loaded ahead of next(), on a thread of the reader's own, if the
  // trace has much of it. To be called before the calling thread binds itself to a processor.
  void read_ahead();

  [[nodiscard]] std::uint64_t file_size() const;

  // Bytes of the file in chunks of file content and large data (compressed), and in chunks of events.
  struct Sizes {
    std::uint64_t content = 0;
    std::uint64_t events = 0;
    std::uint64_t chunks = 0;  // their number, of all kinds
  };
  [[nodiscard]] Sizes sizes() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rec

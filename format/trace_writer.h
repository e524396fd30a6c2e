// Writes a trace file. All calls are safe from several threads; compression and writing happen on a thread of
// the writer's own, so that the recorder never waits for the disk unless the (bounded) queue is full.
//
// When the file cannot grow any more (disk full, a limit), the trace ends there, cleanly: what comes later is
// dropped, and finish() closes the file with a note of the reason. The program that is recorded is not
// harmed.
//
// What has been appended reaches the file at the latest when 1 MiB of events has gathered or after 100 ms,
// whichever is first, so that a killed recorder loses no more than that.
#pragma once

#include <sched.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "format/base/raw_bytes.h"
#include "format/base/unique_fd.h"
#include "format/event.h"
#include "format/event_source.h"
#include "format/trace.h"

namespace rec {

struct WriterOptions {
  std::uint64_t max_size = 0;  // of the file, in bytes, with its index; 0: as large as it gets
  int level = 0;               // zstd's; 0: as fast as the program asks for
};

class [[nodiscard]] TraceWriter {
 public:
  // Creates `path` with mode 0600 (a trace holds everything that the program saw), replacing what was there.
  // Throws Error when that fails.
  TraceWriter(const std::string& path, const TraceHeader& header, const WriterOptions& options = {});
  TraceWriter(TraceWriter&&) noexcept;
  TraceWriter& operator=(TraceWriter&&) noexcept;
  // Without finish(): what was appended is written out, but the file has no index and no summary.
  ~TraceWriter();

  // Gives the event its number and copies it; drops it when the trace has ended early. Not copied is large
  // data that has a `keeper`: it has to stay as it is for as long as the writer holds that.
  EventNumber append(const Event& event, const std::shared_ptr<const void>& keeper = nullptr);
  // The next `count` events are what `source` yields (so many exactly), on the writer's thread; it is asked
  // before finish() or the destructor returns. `size`: about how many bytes it keeps.
  void append_late(std::uint32_t count, std::size_t size, std::unique_ptr<EventSource> source);

  // Stores a block of file content, once per hash. Returns the hash.
  BlockHash add_block(std::span<const std::byte> bytes);
  BlockHash add_block(RawBytes bytes);
  // Memory for such a block, with any bytes in it: where there is some, that of one that has been written.
  [[nodiscard]] RawBytes block_memory(std::size_t size);

  // Announces a content and its blocks (already stored). Called again with the same id, it adds blocks.
  // Events that refer to the content are to be appended afterwards.
  ContentId add_content(const Content& content);  // content.id is ignored: a new id is returned
  void extend_content(ContentId id, std::span<const Content::Block> blocks);
  // The same for blocks that the writer's thread is to read from the file, which therefore stays as it is
  // until read_late_blocks(). (What it does not have by then is zeros.)
  void extend_content_late(ContentId id, UniqueFd file, std::span<const std::uint64_t> indices);
  // Returns when all such blocks of the content have been read, or the trace has ended early.
  void read_late_blocks(ContentId id);

  // Writes out everything, then index and summary. `summary.events` is filled in here. When the trace ended
  // early, chunks at its end are given up where index and note need their room. Throws Error if not even that
  // is possible; everything before the last complete chunk stays readable.
  void finish(TraceSummary summary);

  // Whether the trace has ended before finish(): cheap, from any thread. And why, for the user.
  [[nodiscard]] bool has_ended_early() const;
  [[nodiscard]] std::optional<std::string> why_ended_early() const;

  // Events in the file so far; after finish(), all that it has.
  [[nodiscard]] std::uint64_t events_written() const;

  // Bytes written to the file so far.
  [[nodiscard]] std::uint64_t bytes_written() const;

  // On which processors its thread may run (sched_setaffinity(2)); what cannot be had only costs time.
  void run_on(const cpu_set_t& processors);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rec

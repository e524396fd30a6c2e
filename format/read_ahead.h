// Loads a trace's chunks of file content on a thread of its own, in the order of the file, before they are
// asked for: reading, unpacking and hashing them takes as long as what is done with them.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "format/block_chunk.h"
#include "format/chunk_reader.h"
#include "format/trace_layout.h"

namespace rec {

class ReadAhead {
 public:
  // `content`: which of the chunks it is about. Both have to outlive it.
  ReadAhead(const ChunkReader& file, std::span<const layout::ChunkPlace> chunks,
            std::span<const std::size_t> content);
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;
  ~ReadAhead();

  // Puts the chunk into `into`, and takes the memory of what was there. False: it is not there yet, or cannot
  // be loaded; the caller does it. Where that happens to one chunk after the other, those behind them are
  // loaded from now on. Does not wait for the thread.
  [[nodiscard]] bool take(std::size_t number, BlockChunk& into);

 private:
  using Lock = std::unique_lock<std::mutex>;

  void run();
  void load_next(Lock& lock);
  [[nodiscard]] bool load(std::size_t number, BlockChunk& into);
  [[nodiscard]] bool wants_more() const;
  void drop_before(std::size_t number);
  void follow(std::size_t number);

  ChunkReader file_;  // the thread's
  std::span<const layout::ChunkPlace> chunks_;
  std::span<const std::size_t> content_;

  std::mutex mutex_;  // for all below
  std::condition_variable wake_;
  std::deque<BlockChunk> ready_;  // in the order of the file
  std::vector<BlockChunk> spare_;
  std::optional<std::size_t> loading_;  // the chunk that the thread is at work on
  std::size_t next_;                    // place in content_ of the one to load then; its end: nothing
  std::uint64_t restarts_ = 0;
  std::optional<std::size_t> missed_;  // the last chunk that the caller had to load
  bool stopping_ = false;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace rec

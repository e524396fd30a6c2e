#include "format/read_ahead.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "format/base/thread.h"
#include "format/trace_tables.h"

namespace rec {
namespace {

constexpr std::size_t most_ready = 6;  // chunks
// With so few of them left, the thread goes on: to wake it for each would cost more.
constexpr std::size_t few_ready = 3;
// A writer cuts chunks at 1 MiB; larger ones may be as large as they like.
constexpr std::uint32_t most_bytes = 4 << 20;

}  // namespace

ReadAhead::ReadAhead(const ChunkReader& file, std::span<const layout::ChunkPlace> chunks,
                     std::span<const std::size_t> content)
    : file_(file.once_more()),
      chunks_(chunks),
      content_(content),
      next_(content.size()),
      thread_(thread_without_signals([this] { run(); })) {}

ReadAhead::~ReadAhead() {
  {
    const Lock lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  thread_.join();
}

bool ReadAhead::wants_more() const { return next_ < content_.size() && ready_.size() <= few_ready; }

void ReadAhead::run() {
  Lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || wants_more(); });
    while (!stopping_ && next_ < content_.size() && ready_.size() < most_ready) load_next(lock);
    if (stopping_) return;
  }
}

void ReadAhead::load_next(Lock& lock) {
  const std::uint64_t restarts = restarts_;
  const std::size_t number = content_[next_++];
  loading_ = number;
  BlockChunk chunk;
  if (!spare_.empty()) {
    chunk = std::move(spare_.back());
    spare_.pop_back();
  }
  lock.unlock();
  const bool is_good = load(number, chunk);
  lock.lock();
  loading_.reset();
  if (is_good && restarts == restarts_) {
    ready_.push_back(std::move(chunk));
  } else {
    spare_.push_back(std::move(chunk));
  }
}

// What is wrong with it, the caller finds out and tells when the chunk is wanted.
bool ReadAhead::load(std::size_t number, BlockChunk& into) {
  const layout::ChunkPlace& place = chunks_[number];
  if (place.header.raw_size > most_bytes) return false;
  try {
    into.load(file_, place, number);
    into.check();
    return into.is_checked;
  } catch (const Implausible&) {
  } catch (const std::exception&) {
  }
  return false;
}

bool ReadAhead::take(std::size_t number, BlockChunk& into) {
  // Whoever waited for the thread would wait for it to get a processor, where others want them, too.
  const Lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock() || loading_ == number) return false;
  drop_before(number);
  if (ready_.empty() || ready_.front().number != number) {
    follow(number);
    return false;
  }
  std::swap(into, ready_.front());
  spare_.push_back(std::move(ready_.front()));
  ready_.pop_front();
  if (wants_more()) wake_.notify_one();
  return true;
}

// One that is skipped may well come back, but not soon.
void ReadAhead::drop_before(std::size_t number) {
  const bool is_there = std::any_of(ready_.begin(), ready_.end(),
                                    [&](const BlockChunk& chunk) { return chunk.number == number; });
  while (is_there && ready_.front().number != number) {
    spare_.push_back(std::move(ready_.front()));
    ready_.pop_front();
  }
}

// The caller loads the chunk itself.
void ReadAhead::follow(std::size_t number) {
  if (next_ < content_.size() && content_[next_] == number) ++next_;
  const auto at = std::lower_bound(content_.begin(), content_.end(), number);
  const std::optional<std::size_t> before =
      at == content_.begin() ? std::nullopt : std::optional(*std::prev(at));
  const bool is_in_order = missed_ && missed_ == before;
  missed_ = number;
  if (at == content_.end() || *at != number || !is_in_order) return;
  ++restarts_;
  for (BlockChunk& chunk : ready_) spare_.push_back(std::move(chunk));
  ready_.clear();
  next_ = static_cast<std::size_t>(at - content_.begin()) + 1;
  wake_.notify_one();
}

}  // namespace rec
